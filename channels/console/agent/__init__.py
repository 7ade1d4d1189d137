"""Pages for agents: day, week, bookings and calls."""
