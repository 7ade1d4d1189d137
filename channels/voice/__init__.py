"""The official line: a caller keys in the code and hears the verdict."""
