"""Typed settings, logging and the production server's configuration.

Only ``app.py`` and the command line read settings; they pass plain values on.
"""
