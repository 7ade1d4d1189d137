"""From finding to action: a person's access suspended, who was exposed, whom we warn."""
