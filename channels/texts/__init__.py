"""Text messages from customers, independent of the provider."""
