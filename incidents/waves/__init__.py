"""Detection of waves of calls: more reports than usual at that hour of the week."""
