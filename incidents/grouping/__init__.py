"""Groups reports that belong together into one case."""
