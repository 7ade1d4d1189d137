"""Imports customers from a file: in batches, each line by itself, and safe to restart."""
