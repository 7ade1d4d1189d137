"""Customers from a file: many at a time, each line by itself, safe to begin again."""
