"""A case in one signed file for the police or the regulator, which is checked without us."""
