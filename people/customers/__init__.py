"""Customers, their numbers and sessions, and the log of look-ups."""
