"""One-time codes: HOTP (RFC 4226, by pyotp) over a secret per callback (rule C6)."""

from __future__ import annotations

import base64
import hmac
import os
import re
import unicodedata

import pyotp

SECRET_BYTES = 20  # 160 bits, as RFC 4226 section 4 recommends
_SEPARATORS = re.compile(r"[\s\-‐-―−.·_()]+")


def new_code_secret() -> str:
    """Return a random 160-bit secret in base32."""
    return base64.b32encode(os.urandom(SECRET_BYTES)).decode()


def hotp_code(secret: str, counter: int, digits: int) -> str:
    """Return the code of a counter, with leading zeros."""
    return pyotp.HOTP(secret, digits=digits).at(counter)


def codes_match(expected: str, given: str) -> bool:
    """Compare two codes in constant time."""
    return hmac.compare_digest(expected.encode(), given.encode())


def normalise_code(text: str, digits: int) -> str | None:
    """Return the code in user input as ASCII digits, or ``None`` if it is not one.

    Ignores spaces of every kind, hyphens and dots between digits, and accepts digits of any script.
    """
    if len(text) > 64:
        return None
    plain = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text))
    if len(plain) != digits:
        return None
    values = [unicodedata.decimal(c, None) for c in plain]
    if any(v is None for v in values):
        return None
    return "".join(str(v) for v in values)


def format_code(code: str) -> str:
    """Format a code in groups for reading out: ``482 915``, ``4829 1576``, ``482 9157``."""
    half = len(code) // 2
    return f"{code[:half]} {code[half:]}"
