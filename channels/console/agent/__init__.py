"""An agent's day, week, bookings and calls."""
