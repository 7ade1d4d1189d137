"""Authenticated encryption of one value: AES-256-GCM (NIST SP 800-38D) through cryptography.

SP 800-38D (8.3) allows 2^32 random 96-bit nonces under a key. A customer's own key and a master key
never come near that (:func:`seal`). Purpose keys can: each visit of the check page seals a cookie
under one, and strangers decide how many there are. So :func:`seal_with_derived_key` derives a key
for each value from half of a 192-bit nonce, as XAES-256-GCM (C2SP) does: 2^80 values are safe.
"""

from __future__ import annotations

import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vault.errors import Tampered

_NONCE = 12
_VERSION, _OFTEN = b"\x01", b"\x02"
#: Prefix of the key derivation input; no value passed to :func:`hex_fingerprint` begins with it.
_DERIVED = b"\x00vouchline seal\x00"

KEY_BYTES = 32


def generate_key() -> bytes:
    """Return 32 random bytes from the system's generator."""
    return os.urandom(KEY_BYTES)


def seal(key: bytes, plain: bytes, place: str) -> bytes:
    """Encrypt ``plain``, bound to ``place``; return version, random nonce and ciphertext.

    ``place`` is the associated data and names the value's location (``customer.name:ID``), so that
    a ciphertext copied to another row or column does not decrypt.
    """
    nonce = os.urandom(_NONCE)
    return _VERSION + nonce + AESGCM(key).encrypt(nonce, plain, place.encode())


def seal_with_derived_key(key: bytes, plain: bytes, place: str) -> bytes:
    """Encrypt as :func:`seal` under a key that seals an unbounded number of values; 12 bytes
    longer."""
    nonces = os.urandom(2 * _NONCE)
    cipher = AESGCM(_derive_value_key(key, nonces[:_NONCE]))
    return _OFTEN + nonces + cipher.encrypt(nonces[_NONCE:], plain, place.encode())


def _derive_value_key(key: bytes, salt: bytes) -> bytes:
    return hmac.digest(key, _DERIVED + salt, "sha256")


def unseal(key: bytes, sealed: bytes, place: str) -> bytes:
    """Decrypt the output of either. Raises :class:`Tampered` if it does not decrypt for this
    ``place``."""
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
    """Return the HMAC-SHA-256 of ``value``, truncated to 32 hexadecimal digits."""
    return hmac.digest(key, value.encode(), "sha256")[:16].hex()


def compute_mac(key: bytes, value: bytes) -> bytes:
    """Return the HMAC-SHA-256 of bytes, truncated to 16 bytes."""
    return hmac.digest(key, value, "sha256")[:16]
