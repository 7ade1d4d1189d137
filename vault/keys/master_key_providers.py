"""Providers of the master keys: one for each scheme of the setting ``MASTER_KEYS``."""

from __future__ import annotations

import base64
import hashlib
import os
import shlex
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from vault.errors import KeyUnavailable
from vault.keys.aead import generate_key

COMMAND_TIMEOUT_SECONDS = 30


class MasterKeyProvider(Protocol):
    """Returns the master keys as text: ``id:base64`` entries separated by commas or newlines."""

    def read_key_entries(self) -> str:
        """Raises ``KeyUnavailable`` with a sentence that says what to do, never with a key."""


@dataclass(frozen=True, repr=False)
class SettingProvider:
    """Takes the entries from the setting itself."""

    rest: str

    def read_key_entries(self) -> str:
        return self.rest


@dataclass(frozen=True)
class FileProvider:
    """``file:/path``: a file that only its owner can read."""

    rest: str

    def read_key_entries(self) -> str:
        path = Path(self.rest)
        try:
            if path.stat().st_mode & 0o077:
                raise KeyUnavailable("others can read the master key file: run 'chmod 600' on it")
            return path.read_text()
        except OSError as error:
            raise KeyUnavailable(f"the master key file cannot be read: {error.strerror}") from None


@dataclass(frozen=True)
class CommandProvider:
    """``command:…``: a command that prints the entries, for example from a key service. Its error
    output is not repeated: it may contain a secret."""

    rest: str

    def read_key_entries(self) -> str:
        try:
            result = subprocess.run(  # noqa: S603  (the operator's own command)
                shlex.split(self.rest),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=COMMAND_TIMEOUT_SECONDS,
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
        return result.stdout


@dataclass(frozen=True)
class EmbeddedProvider:
    """The demo's keys in ``folder/master.keys`` (mode 0600), created on first use; not if the
    database already has keys that another master key wraps.

    Two processes that start at once agree on one file: it is written to a temporary name and linked
    into place, which only one can do.
    """

    folder: Path
    may_make: Callable[[], bool] = field(default=lambda: True, compare=False)

    def read_key_entries(self) -> str:
        path = self.folder / "master.keys"
        if not path.exists():
            if not self.may_make():
                raise KeyUnavailable(
                    f"{path} is missing, and the store has keys that its key wraps: put it back"
                    " from a backup, or give the keys in VOUCHLINE_MASTER_KEYS"
                )
            self._create_key_file(path)
        return path.read_text()

    def _create_key_file(self, path: Path) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside = self.folder / f".master.keys.{os.getpid()}.{os.urandom(4).hex()}"
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(generate_key_entry("demo") + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(aside, path)
        except FileExistsError:
            pass
        finally:
            aside.unlink()


class ProviderFactory(Protocol):
    """Creates a provider from the text after ``scheme:``."""

    def __call__(self, rest: str) -> MasterKeyProvider:
        """Create the provider without reading anything yet."""


PROVIDERS_BY_SCHEME: Mapping[str, ProviderFactory] = {
    "file": FileProvider,
    "command": CommandProvider,
}


def select_provider(
    setting: str, folder: Path, may_make: Callable[[], bool] = lambda: True
) -> MasterKeyProvider:
    """Return the provider for the setting: by its scheme, the entries themselves if it has none,
    the embedded keys in ``folder`` if it is empty."""
    if not setting:
        return EmbeddedProvider(folder, may_make)
    name, _, rest = setting.partition(":")
    return (
        PROVIDERS_BY_SCHEME[name](rest) if name in PROVIDERS_BY_SCHEME else SettingProvider(setting)
    )


def generate_key_entry(prefix: str) -> str:
    """Create an ``id:base64`` entry whose id contains a short fingerprint of the key."""
    key = generate_key()
    name = f"{prefix}-{hashlib.sha256(b'id' + key).hexdigest()[:8]}"
    return f"{name}:{base64.b64encode(key).decode()}"
