"""Simulated texts and calls."""
