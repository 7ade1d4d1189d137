"""The master keys: kept outside the database, they wrap every other key."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vault.errors import KeyUnavailable
from vault.sealing import KEY_BYTES, new_key, seal, unseal

COMMAND_SECONDS = 30
_ENTRY = re.compile(r"([a-z0-9][a-z0-9-]{0,31}):([A-Za-z0-9+/_=-]+)")


@dataclass(frozen=True, repr=False)
class MasterKeys:
    """Keys by their id. The first wraps what is new; all open what they once wrapped."""

    current: str
    keys: Mapping[str, bytes]

    def wrap(self, key: bytes, place: str) -> bytes:
        """``key`` sealed under the current master key, with that key's id in front."""
        return self.current.encode() + b":" + seal(self.keys[self.current], key, place)

    def unwrap(self, wrapped: bytes, place: str) -> bytes:
        """The inverse of :meth:`wrap`. Raises :class:`KeyUnavailable` without the master key."""
        name, _, sealed = wrapped.partition(b":")
        master = self.keys.get(name.decode("ascii", "replace"))
        if master is None:
            raise KeyUnavailable("the master key that wrapped this is not configured")
        return unseal(master, sealed, place)

    @staticmethod
    def wrapped_by(wrapped: bytes) -> str:
        """The id of the master key that wrapped this."""
        return wrapped.partition(b":")[0].decode("ascii", "replace")

    def derive(self, purpose: str) -> list[bytes]:
        """A 32-byte key for ``purpose`` from each master key, the current one first (RFC 5869)."""
        ordered = [self.current, *(name for name in self.keys if name != self.current)]
        return [
            HKDF(SHA256(), KEY_BYTES, None, f"vouchline {purpose}".encode()).derive(self.keys[name])
            for name in ordered
        ]


def parse(text: str) -> MasterKeys:
    """Master keys from ``id:base64`` entries, parted by commas or new lines.

    Raises :class:`KeyUnavailable` with a sentence that says what to do, never with the key.
    """
    keys: dict[str, bytes] = {}
    for entry in re.split(r"[,\s]+", text.strip()):
        found = _ENTRY.fullmatch(entry)
        if not found:
            raise KeyUnavailable("write each master key as id:base64, parted by commas")
        try:
            key = base64.b64decode(found[2].replace("-", "+").replace("_", "/"), validate=True)
        except binascii.Error:
            key = b""
        if len(key) != KEY_BYTES:
            raise KeyUnavailable(f"master key {found[1]} must be 32 bytes in base64")
        if found[1] in keys:
            raise KeyUnavailable(f"master key {found[1]} is given twice")
        keys[found[1]] = key
    return MasterKeys(next(iter(keys)), keys)


def new_entry(prefix: str) -> str:
    """A fresh ``id:base64`` entry whose id names its key by a short fingerprint."""
    key = new_key()
    name = f"{prefix}-{hashlib.sha256(b'id' + key).hexdigest()[:8]}"
    return f"{name}:{base64.b64encode(key).decode()}"


def embedded(folder: Path) -> MasterKeys:
    """The demo's keys in ``folder/master.keys`` (mode 0600), made on first use.

    Two processes that start at once agree on one file: it is written aside and linked into
    place, which only one can do.
    """
    path = folder / "master.keys"
    if not path.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside = folder / f".master.keys.{os.getpid()}.{os.urandom(4).hex()}"
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(new_entry("demo") + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(aside, path)
        except FileExistsError:
            pass
        finally:
            aside.unlink()
    return parse(path.read_text())


def load(configured: str, folder: Path) -> MasterKeys:
    """The keys of the setting ``MASTER_KEYS``: entries, ``file:/path``, or ``command:…`` that
    prints them (of a key service, say); the embedded ones when it is empty."""
    if not configured:
        return embedded(folder)
    kind, _, rest = configured.partition(":")
    if kind == "file":
        return parse(_read(Path(rest)))
    if kind == "command":
        return parse(_printed(rest))
    return parse(configured)


def _read(path: Path) -> str:
    try:
        if path.stat().st_mode & 0o077:
            raise KeyUnavailable("others can read the master key file: run 'chmod 600' on it")
        return path.read_text()
    except OSError as error:
        raise KeyUnavailable(f"the master key file cannot be read: {error.strerror}") from None


def _printed(command: str) -> str:
    """What a command prints. What it says of errors is its own affair and not repeated: it may hold
    a secret."""
    try:
        done = subprocess.run(  # noqa: S603  (the operator's own command)
            shlex.split(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        raise KeyUnavailable(
            f"the command for the master keys ended with {error.returncode}"
        ) from None
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired) as error:
        raise KeyUnavailable(
            f"the command for the master keys cannot be run: {type(error).__name__}"
        ) from None
    return done.stdout
