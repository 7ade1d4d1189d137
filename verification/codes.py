"""One-time codes: HOTP (RFC 4226, by pyotp) over a secret of one callback (rule C6)."""

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
    """A 160-bit secret in base32, from the system's generator."""
    return base64.b32encode(os.urandom(SECRET_BYTES)).decode()


def hotp_code(secret: str, counter: int, digits: int) -> str:
    """The code of a counter, with its leading zeros."""
    return pyotp.HOTP(secret, digits=digits).at(counter)


def codes_match(expected: str, given: str) -> bool:
    """Whether two codes are the same, in a time that does not tell where they differ."""
    return hmac.compare_digest(expected.encode(), given.encode())


def normalise_code(text: str, digits: int) -> str | None:
    """The code in what somebody typed, in ASCII digits, or ``None`` when it is not one.

    Spaces of every kind, hyphens and dots between digits do not matter, nor the script that the
    digits are written in.
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
    """In groups for reading out: ``482 915``, ``4829 1576``, ``482 9157``."""
    half = len(code) // 2
    return f"{code[:half]} {code[half:]}"
