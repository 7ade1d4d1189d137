"""Master keys, data keys, purpose keys and index keys; encryption and blind indexes."""
