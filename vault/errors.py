"""Errors of the vault."""


class KeyUnavailable(Exception):
    """A key is missing or wrong: nothing can be decrypted, so nothing is shown (rule F1)."""


class Tampered(Exception):
    """A ciphertext does not decrypt in its context: it was changed, truncated, or copied from
    elsewhere."""


class KeyForged(KeyUnavailable, Tampered):
    """A key is missing, or is not the one in the database's key register: the database was changed
    by somebody without the keys."""
