"""Access history for customers: who opened their record, and their objections."""
