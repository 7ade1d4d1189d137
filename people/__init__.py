"""Customers and staff: directory, sign-in, roles."""
