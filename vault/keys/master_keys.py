"""The master keys: kept outside the database, they wrap every other key."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vault.errors import KeyUnavailable
from vault.keys import master_key_providers
from vault.keys.aead import KEY_BYTES, seal, unseal

_ENTRY = re.compile(r"([a-z0-9][a-z0-9-]{0,31}):([A-Za-z0-9+/_=-]+)")


@dataclass(frozen=True, repr=False)
class MasterKeys:
    """Master keys by id. The first wraps new keys; all unwrap what they once wrapped."""

    current: str
    keys: Mapping[str, bytes]

    def wrap_with_master(self, key: bytes, place: str) -> bytes:
        """Return ``key`` sealed under the current master key, prefixed with that key's id."""
        return self.current.encode() + b":" + seal(self.keys[self.current], key, place)

    def unwrap_with_master(self, wrapped: bytes, place: str) -> bytes:
        """Unwrap the output of :meth:`wrap_with_master`. Raises :class:`KeyUnavailable` without the
        master key."""
        name, _, sealed = wrapped.partition(b":")
        master = self.keys.get(name.decode("ascii", "replace"))
        if master is None:
            raise KeyUnavailable("the master key that wrapped this is not configured")
        return unseal(master, sealed, place)

    @staticmethod
    def wrapping_key_id(wrapped: bytes) -> str:
        """Return the id of the master key that wrapped this."""
        return wrapped.partition(b":")[0].decode("ascii", "replace")

    def derive_keys(self, purpose: str) -> list[bytes]:
        """Derive a 32-byte key for ``purpose`` from each master key, the current one first (HKDF,
        RFC 5869)."""
        ordered = [self.current, *(name for name in self.keys if name != self.current)]
        return [
            HKDF(SHA256(), KEY_BYTES, None, f"vouchline {purpose}".encode()).derive(self.keys[name])
            for name in ordered
        ]


def parse_master_keys(text: str) -> MasterKeys:
    """Parse master keys from ``id:base64`` entries, separated by commas or newlines.

    Raises :class:`KeyUnavailable` with a sentence that says what to do, never with the key.
    """
    keys: dict[str, bytes] = {}
    for entry in re.split(r"[,\s]+", text.strip()):
        match = _ENTRY.fullmatch(entry)
        if not match:
            raise KeyUnavailable("write each master key as id:base64, parted by commas")
        try:
            key = base64.b64decode(match[2].replace("-", "+").replace("_", "/"), validate=True)
        except binascii.Error:
            key = b""
        if len(key) != KEY_BYTES:
            raise KeyUnavailable(f"master key {match[1]} must be 32 bytes in base64")
        if match[1] in keys:
            raise KeyUnavailable(f"master key {match[1]} is given twice")
        keys[match[1]] = key
    return MasterKeys(next(iter(keys)), keys)


def load_master_keys(
    setting: str, folder: Path, may_make: Callable[[], bool] = lambda: True
) -> MasterKeys:
    """Load the keys of the setting ``MASTER_KEYS`` (:mod:`vault.keys.master_key_providers`).

    If it is empty, loads the embedded ones in ``folder``, which are created if there are none and
    ``may_make`` allows it. Raises as :func:`parse_master_keys` does.
    """
    return parse_master_keys(
        master_key_providers.select_provider(setting, folder, may_make).read_key_entries()
    )
