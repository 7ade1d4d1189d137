"""Reports that belong together become one case."""
