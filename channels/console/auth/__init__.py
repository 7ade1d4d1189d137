"""Signing in, enrolment and proving it again."""
