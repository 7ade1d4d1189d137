"""Noticing that more reports come than at such an hour of the week: a wave of calls."""
