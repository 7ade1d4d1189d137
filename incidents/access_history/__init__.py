"""The customer as auditor: who opened their record, and what they object to."""
