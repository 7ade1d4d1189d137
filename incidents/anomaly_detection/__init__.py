"""Detection of unusual access, compared with the person's own past and with their peers, while it
happens."""
