"""Tokens, their hashes, and passwords."""

from __future__ import annotations

import hashlib
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from people.errors import InvalidInput

MIN_PASSWORD, MAX_PASSWORD = 12, 200
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)  # OWASP's minimum
_NOBODY = _hasher.hash("nobody has this password")


def new_token() -> str:
    """256 bits from the system's generator, safe in an address."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """What is stored of a token. It is random and long, so a plain SHA-256 is enough."""
    return hashlib.sha256(token.encode()).digest()


def hash_password(password: str) -> str:
    """The Argon2id hash of a password (OWASP's parameters). Raises :class:`InvalidInput`."""
    if len(password) < MIN_PASSWORD:
        raise InvalidInput("password", f"Use at least {MIN_PASSWORD} characters.")
    if len(password) > MAX_PASSWORD:
        raise InvalidInput("password", f"Use at most {MAX_PASSWORD} characters.")
    if len(set(password)) < 5:
        raise InvalidInput("password", "Use more different characters.")
    return _hasher.hash(password)


def password_fits(stored: str | None, password: str) -> bool:
    """Whether a password fits; takes as long for a member of staff who does not exist."""
    try:
        _hasher.verify(stored or _NOBODY, password[: MAX_PASSWORD + 1])
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None
