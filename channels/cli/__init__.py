"""Commands of ``flask --app app``."""
