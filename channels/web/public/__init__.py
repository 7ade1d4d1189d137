"""Pages for everybody: the check, reports, health."""
