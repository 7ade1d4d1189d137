"""Codes, checks and verdicts: the decision whether a caller is genuine."""
