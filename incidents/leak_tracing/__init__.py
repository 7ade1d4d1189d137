"""Leak tracing: which staff members had accessed the customers who report scam calls."""
