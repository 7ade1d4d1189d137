"""Canaries: customers who do not exist. Whoever opens, rings or texts one has it from us."""
