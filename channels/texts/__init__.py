"""Text messages from customers, whichever gateway they come by."""
