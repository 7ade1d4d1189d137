"""Local time, working hours, holidays and calendar feeds."""
