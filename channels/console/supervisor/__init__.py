"""Teams, agents and the staff directory."""
