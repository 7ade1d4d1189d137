"""Exports a case as one signed file for the police or the regulator, which can be verified without
us."""
