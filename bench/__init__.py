"""Benchmarks. ``make bench`` measures the check over HTTP against a floor in the same run."""
