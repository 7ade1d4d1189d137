"""Measures the check over HTTP beside a floor in the same run: ``make bench``."""
