"""Availability of agents and teams for callbacks, and their reservations."""
