"""Callbacks: booked, moved, handed over, retried, looked up."""
