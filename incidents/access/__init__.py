"""Justification of accesses to records, and cases of exceeded access budgets."""
