"""What the vault raises."""


class KeyUnavailable(Exception):
    """A key is missing or does not fit: nothing can be opened, so nothing is shown (rule F1)."""


class Tampered(Exception):
    """A ciphertext does not open where it stands: changed, cut, or pasted from elsewhere."""


class KeyForged(KeyUnavailable, Tampered):
    """A key is missing, or not the one that the store's key register knows: the database was
    changed by somebody without the keys."""
