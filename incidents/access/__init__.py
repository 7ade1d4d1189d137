"""Why records are accessed, and cases of those who wanted too many."""
