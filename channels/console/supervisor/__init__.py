"""Pages for supervisors: teams, agents and the staff directory."""
