"""Evening notes: staff are asked the same evening about accesses without a justification."""
