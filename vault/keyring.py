"""The keys a unit of work uses: purpose keys from the store, customers' keys on demand."""

from __future__ import annotations

import hmac
from datetime import datetime
from threading import Lock
from typing import cast
from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError

from storage.session import Work, transaction
from vault.errors import KeyUnavailable
from vault.master import MasterKeys
from vault.models import PurposeKey
from vault.sealing import new_key, seal, unseal

INDEX, STAFF, REPORTS, LINE, DEMO = "index", "staff", "reports", "line", "demo"
LOG, APPROVALS, CANARIES = "log", "approvals", "canaries"
PURPOSES = (INDEX, STAFF, REPORTS, LINE, DEMO, LOG, APPROVALS, CANARIES)
INDEX_BYTES = 16
_SESSION_KEY = "vouchline.keyring"


class Keyring:
    """Seals and opens fields, and computes blind indexes.

    Purpose keys are made with the first migration and read once a process.
    """

    def __init__(self, master: MasterKeys, engine: Engine) -> None:
        self._master = master
        self._engine = engine
        self._purpose: dict[str, bytes] = {}
        self._lock = Lock()
        self._decoy = master.wrap(new_key(), "decoy")

    def blind_index(self, kind: str, value: str) -> bytes:
        """A keyed fingerprint that finds a value without storing it (HMAC-SHA-256, 16 bytes).

        ``kind`` (``phone``, ``ticket``, ``email`` …) parts the values of different columns.
        """
        message = kind.encode() + b"\x00" + value.encode()
        return hmac.digest(self._key(INDEX), message, "sha256")[:INDEX_BYTES]

    def wrap_new_key(self, owner: UUID) -> bytes:
        """A fresh data key of ``owner``, wrapped by the master key."""
        return self._master.wrap(new_key(), f"data_key.wrapped:{owner}")

    def unwrap_key(self, wrapped: bytes, owner: UUID) -> bytes:
        """The inverse of :meth:`wrap_new_key`."""
        return self._master.unwrap(wrapped, f"data_key.wrapped:{owner}")

    def unwrap_decoy(self, key: bytes) -> bytes:
        """``key`` itself, after unwrapping one of the same size: for work that must take as
        long when there is nothing to open (rule C5)."""
        self._master.unwrap(self._decoy, "decoy")
        return key

    def seal_for(self, purpose: str, place: str, value: str) -> bytes:
        """``value`` under the key of ``purpose``, bound to ``place``."""
        return seal(self._key(purpose), value.encode(), place)

    def open_for(self, purpose: str, place: str, sealed: bytes) -> str:
        """The inverse of :meth:`seal_for`."""
        return unseal(self._key(purpose), sealed, place).decode()

    def mark(self, purpose: str, value: str) -> str:
        """A fingerprint of ``value`` under the key of ``purpose``, in 32 hexadecimal digits."""
        return hmac.digest(self._key(purpose), value.encode(), "sha256")[:16].hex()

    def log_seed(self) -> bytes:
        """The private key that signs the audit log's checkpoints (32 bytes, for Ed25519)."""
        return self._key(LOG)

    def _key(self, purpose: str) -> bytes:
        key = self._purpose.get(purpose)
        if key is None:
            with self._lock:
                self._load()
            key = self._purpose.get(purpose)
        if key is None:
            raise KeyUnavailable("the store has no keys yet: run 'flask --app app db upgrade'")
        return key

    def _load(self) -> None:
        """Read all purpose keys on a connection of its own, outside the caller's transaction."""
        with transaction(self._engine, read_only=True) as session:
            rows = session.connection().execute(
                select(PurposeKey.purpose, PurposeKey.wrapped)  # type: ignore[call-overload]
            )
            self._purpose = {
                purpose: self._master.unwrap(wrapped, f"purpose_key:{purpose}")
                for purpose, wrapped in rows
            }


def of(session: Work) -> Keyring:
    """The keyring that the edge put on the session."""
    return cast(Keyring, session.info[_SESSION_KEY])


def carried(keyring: Keyring) -> dict[str, object]:
    """What to pass as ``info`` when opening a transaction whose work needs keys."""
    return {_SESSION_KEY: keyring}


def make_purpose_keys(engine: Engine, master: MasterKeys, now: datetime) -> None:
    """Make the purpose keys a fresh store lacks; safe when two processes do it at once."""
    for purpose in PURPOSES:
        try:
            with transaction(engine) as session:
                if session.get(PurposeKey, purpose) is None:
                    wrapped = master.wrap(new_key(), f"purpose_key:{purpose}")
                    session.add(PurposeKey(purpose=purpose, wrapped=wrapped, created_at=now))
        except IntegrityError:
            continue  # another process was first; its key is as good
