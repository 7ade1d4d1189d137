"""Canaries: fictitious customers. Anyone who opens, calls or texts one has its data from us."""
