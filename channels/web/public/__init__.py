"""Public pages: the check, reports, health."""
