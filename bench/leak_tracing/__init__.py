"""Leaks at simulated companies, traced; ``python -m bench.leak_tracing`` writes the figures."""
