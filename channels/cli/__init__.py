"""Commands: ``flask --app app …``."""
