"""Authenticated encryption of one value: AES-256-GCM (NIST SP 800-38D) through cryptography."""

from __future__ import annotations

import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vault.errors import Tampered

_NONCE = 12
_VERSION = b"\x01"

KEY_BYTES = 32


def new_key() -> bytes:
    """32 bytes from the system's generator."""
    return os.urandom(KEY_BYTES)


def seal(key: bytes, plain: bytes, place: str) -> bytes:
    """Version, random nonce and ciphertext of ``plain``, bound to ``place``.

    ``place`` names where the value stands (``customer.name:ID``), so that a ciphertext pasted
    into another row or column does not open.
    """
    nonce = os.urandom(_NONCE)
    return _VERSION + nonce + AESGCM(key).encrypt(nonce, plain, place.encode())


def unseal(key: bytes, sealed: bytes, place: str) -> bytes:
    """The inverse of :func:`seal`. Raises :class:`Tampered` when it does not open here."""
    if len(sealed) < 1 + _NONCE + 16 or sealed[:1] != _VERSION:
        raise Tampered("not a sealed value")
    try:
        return AESGCM(key).decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], place.encode())
    except InvalidTag:
        raise Tampered("a sealed value does not open where it stands") from None


def fingerprint(key: bytes, value: str) -> str:
    """What only a holder of ``key`` can make of ``value``: HMAC-SHA-256, 32 hexadecimal digits."""
    return hmac.digest(key, value.encode(), "sha256")[:16].hex()
