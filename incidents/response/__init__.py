"""Response to a finding: suspend a staff member's access, list exposed customers and warn them."""
