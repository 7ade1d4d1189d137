"""Authenticated encryption of one value: AES-256-GCM (NIST SP 800-38D) through cryptography.

SP 800-38D (8.3) allows 2^32 random 96-bit nonces under a key. A customer's own key and a master key
never come near that (:func:`seal`). The keys of purposes can: each visit of the check page seals a
cookie under one, and strangers decide how many there are. So :func:`seal_with_derived_key` derives
a key for each value from half of a nonce of 192 bits, as XAES-256-GCM (C2SP) does: 2^80 values are
safe.
"""

from __future__ import annotations

import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vault.errors import Tampered

_NONCE = 12
_VERSION, _OFTEN = b"\x01", b"\x02"
#: In front of what a key is derived by; no value that :func:`hex_fingerprint` is given begins with
#: it.
_DERIVED = b"\x00vouchline seal\x00"

KEY_BYTES = 32


def generate_key() -> bytes:
    """32 bytes from the system's generator."""
    return os.urandom(KEY_BYTES)


def seal(key: bytes, plain: bytes, place: str) -> bytes:
    """Version, random nonce and ciphertext of ``plain``, bound to ``place``.

    ``place`` names where the value stands (``customer.name:ID``), so that a ciphertext pasted
    into another row or column does not open.
    """
    nonce = os.urandom(_NONCE)
    return _VERSION + nonce + AESGCM(key).encrypt(nonce, plain, place.encode())


def seal_with_derived_key(key: bytes, plain: bytes, place: str) -> bytes:
    """The same for a key that seals more values than anybody counts, in 12 bytes more."""
    both = os.urandom(2 * _NONCE)
    cipher = AESGCM(_derive_value_key(key, both[:_NONCE]))
    return _OFTEN + both + cipher.encrypt(both[_NONCE:], plain, place.encode())


def _derive_value_key(key: bytes, salt: bytes) -> bytes:
    return hmac.digest(key, _DERIVED + salt, "sha256")


def unseal(key: bytes, sealed: bytes, place: str) -> bytes:
    """The inverse of both. Raises :class:`Tampered` when it does not open here."""
    if sealed[:1] == _OFTEN:
        key, sealed = (
            _derive_value_key(key, sealed[1 : 1 + _NONCE]),
            _VERSION + sealed[1 + _NONCE :],
        )
    if len(sealed) < 1 + _NONCE + 16 or sealed[:1] != _VERSION:
        raise Tampered("not a sealed value")
    try:
        return AESGCM(key).decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], place.encode())
    except InvalidTag:
        raise Tampered("a sealed value does not open where it stands") from None


def hex_fingerprint(key: bytes, value: str) -> str:
    """What only a holder of ``key`` can make of ``value``: HMAC-SHA-256, 32 hexadecimal digits."""
    return hmac.digest(key, value.encode(), "sha256")[:16].hex()


def compute_mac(key: bytes, value: bytes) -> bytes:
    """The same of bytes, as 16 bytes."""
    return hmac.digest(key, value, "sha256")[:16]
