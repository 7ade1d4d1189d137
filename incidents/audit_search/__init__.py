"""Searches of the audit log for investigators."""
