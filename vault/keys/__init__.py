"""Master keys, data keys, purpose keys and index keys; sealing and blind indexes with them."""
