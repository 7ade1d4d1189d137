"""Customers, their numbers and sessions; what is looked up of them."""
