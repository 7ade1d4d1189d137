"""When agents and teams can take a callback, and what is reserved."""
