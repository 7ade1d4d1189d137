"""Codes, checks and verdicts: decides whether a caller is genuine."""
