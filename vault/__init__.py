"""Keys, field encryption, the blind index and the audit log (rules I2 and I3)."""
