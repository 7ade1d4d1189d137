"""The simulator's texts and calls."""
