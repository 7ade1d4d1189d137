"""Tokens, their hashes, and passwords."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from itertools import pairwise

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from people.error_codes import PeopleErrorCode
from people.errors import InvalidInput

MIN_PASSWORD, MAX_PASSWORD = 12, 200
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)  # OWASP's minimum
_DECOY_HASH = _hasher.hash("nobody has this password")
_COMMON_PASSWORDS = re.compile(
    "password|passwort|passwd|qwert|azerty|asdf|zxcv|iloveyou|letmein|welcome|admin|login|monkey"
    "|dragon|football|baseball|sunshine|princess|superman|batman|trustno|starwars|master|shadow"
    "|whatever|changeme|default|secret|summer|winter|spring|autumn|vouchline|abc123|1q2w3e|[0-9]+"
)
_MIN_UNCOMMON_LETTERS = 6  # distinct characters a password needs beside common words and numbers


def new_token() -> str:
    """Return a random 256-bit token, safe in a URL."""
    return secrets.token_urlsafe(32)


def new_pin() -> str:
    """Return a random PIN of six digits, to be handed over in person and never together with the
    link."""
    return f"{secrets.randbelow(10**6):06d}"


def token_hash(token: str) -> bytes:
    """Return the hash of a token, as it is stored. Tokens are random and long, so plain SHA-256 is
    enough."""
    return hashlib.sha256(token.encode()).digest()


def hash_password(password: str, words: Iterable[str] = ()) -> str:
    """Return the Argon2id hash of a password (OWASP's parameters). Raises :class:`InvalidInput`.

    There are no composition rules and no periodic changes, but guessable passwords are refused:
    common words, and ``words``, its owner's name, address and organisation (NIST SP 800-63B,
    section 3.1.1.2).
    """
    if len(password) < MIN_PASSWORD:
        raise InvalidInput("password", PeopleErrorCode.PASSWORD_TOO_SHORT, limit=MIN_PASSWORD)
    if len(password) > MAX_PASSWORD:
        raise InvalidInput("password", PeopleErrorCode.PASSWORD_TOO_LONG, limit=MAX_PASSWORD)
    if len(set(password)) < 5:
        raise InvalidInput("password", PeopleErrorCode.PASSWORD_TOO_UNIFORM)
    _refuse_guessable(password.casefold(), words)
    return _hasher.hash(password)


def _refuse_guessable(plain: str, words: Iterable[str]) -> None:
    own_words = {part for word in words for part in re.findall(r"[^\W_]{4,}", word.casefold())}
    if any(part in plain for part in own_words):
        raise InvalidInput("password", PeopleErrorCode.PASSWORD_HOLDS_OWN_NAME)
    steps = [ord(b) - ord(a) for a, b in pairwise(plain)]
    if sum(abs(step) <= 1 for step in steps) > len(steps) * 2 // 3:
        raise InvalidInput("password", PeopleErrorCode.PASSWORD_IS_A_ROW)
    if len(set(re.sub(r"[\W_]", "", _COMMON_PASSWORDS.sub("", plain)))) < _MIN_UNCOMMON_LETTERS:
        raise InvalidInput("password", PeopleErrorCode.PASSWORD_TOO_COMMON)


def password_matches(stored: str | None, password: str) -> bool:
    """Return whether a password matches. Takes as long without a stored hash, so that the time does
    not show whether the member of staff exists."""
    try:
        _hasher.verify(stored or _DECOY_HASH, password[: MAX_PASSWORD + 1])
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None
