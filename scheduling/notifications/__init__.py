"""Notifications of customers about their callbacks."""
