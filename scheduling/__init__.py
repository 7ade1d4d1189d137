"""Working hours, free slots, callbacks and their states."""
