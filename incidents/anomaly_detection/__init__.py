"""Unusual access: against the person's own past and their peers', while it happens."""
