"""What customers and agents report, and what follows from it."""
