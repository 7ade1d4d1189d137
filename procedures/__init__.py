"""Procedures that span several subjects: number and role changes, erasure and retention."""
