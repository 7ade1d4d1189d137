"""The keys a unit of work uses: purpose keys from the store, customers' keys on demand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from threading import Lock
from typing import cast
from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from storage import patience
from storage.session import Work, transaction
from vault.blind import IndexKeys
from vault.errors import KeyUnavailable
from vault.indexing import INDEX, INDEX_ROWS, NO_KEYS, KnownIndex
from vault.master import MasterKeys
from vault.models import PurposeKey
from vault.sealing import fingerprint, new_key, seal, unseal

STAFF, REPORTS, LINE, DEMO = "staff", "reports", "line", "demo"
LOG, APPROVALS, CANARIES, SIGN_IN = "log", "approvals", "canaries", "sign-in"
PURPOSES = (INDEX, STAFF, REPORTS, LINE, DEMO, LOG, APPROVALS, CANARIES, SIGN_IN)
_SESSION_KEY = "vouchline.keyring"


class Keyring:
    """Seals and opens fields, and computes blind indexes.

    Purpose keys are made with the first migration and read once a process; those of the blind index
    can change meanwhile (:mod:`vault.reindexing`), so they are read anew before they are too old.
    """

    def __init__(
        self, master: MasterKeys, engine: Engine, *, ticks: Callable[[], float] = patience.ticks
    ) -> None:
        self._master = master
        self._engine = engine
        self._purpose: dict[str, bytes] = {}
        self._index = KnownIndex(master, engine, ticks)
        self._lock = Lock()
        self._decoy = master.wrap(new_key(), "decoy")

    def blind_index(self, kind: str, value: str) -> bytes:
        """The form of a value that a new row is written under (see :mod:`vault.blind`).

        ``kind`` (``phone``, ``ticket``, ``email`` …) parts the values of different columns.
        """
        return self.forms(kind, value)[0]

    def forms(self, kind: str, value: str) -> list[bytes]:
        """What a row with this value may be found by: two forms while the index key changes."""
        return self.index_keys().forms(kind, value)

    def index_keys(self) -> IndexKeys:
        """The index keys as this process knows them."""
        return self._index.keys()

    def ready(self) -> None:
        """Read all keys now. Raises ``KeyUnavailable``, or as a store does that is out of reach."""
        self._key(INDEX)
        self._index.keys()

    def unchanging(self, kind: str, value: str) -> bytes:
        """A form for turns (:mod:`storage.turns`), never stored: it is the same for all processes,
        however far each knows a rotation to be."""
        return self.index_keys().first(kind, value)

    def anew(self, form: bytes) -> bytes:
        """A form that stands in the store, as new rows are written."""
        return self.index_keys().anew(form)

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
        return fingerprint(self._key(purpose), value)

    def log_seed(self) -> bytes:
        """The private key that signs the audit log's checkpoints (32 bytes, for Ed25519)."""
        return self._key(LOG)

    def learn_index(self, session: Work) -> None:
        """See :func:`hold_index`."""
        rows = session.connection().execute(INDEX_ROWS.with_for_update(read=True)).all()
        if not rows:
            raise KeyUnavailable(NO_KEYS)
        self._index.learn(rows)

    def _key(self, purpose: str) -> bytes:
        key = self._purpose.get(purpose)
        if key is None:
            with self._lock:
                self._load()
            key = self._purpose.get(purpose)
        if key is None:
            raise KeyUnavailable(NO_KEYS)
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


def carried_by(session: Work) -> bool:
    """Whether a session has a keyring; one that needs no keys has none."""
    return _SESSION_KEY in session.info


def hold_index(session: Work) -> None:
    """To be called before a look-up that decides whether a value is added which may be there once:
    until this transaction ends, all that add write under one and the same index key, or find what
    was written under the one before."""
    of(session).learn_index(session)


def carried(keyring: Keyring) -> dict[str, object]:
    """What to pass as ``info`` when opening a transaction whose work needs keys."""
    return {_SESSION_KEY: keyring}


def make_purpose_keys(
    engine: Engine,
    master: MasterKeys,
    now: datetime,
    *,
    at_first: Mapping[str, Callable[[Session, bytes], None]] | None = None,
) -> None:
    """Make the purpose keys a fresh store lacks; safe when two processes do it at once.

    ``at_first`` says what is done with the new key of a purpose in the transaction that makes it.
    """
    acts = at_first or {}
    for purpose in PURPOSES:
        try:
            with transaction(engine) as session:
                if session.get(PurposeKey, purpose) is None:
                    key = new_key()
                    wrapped = master.wrap(key, f"purpose_key:{purpose}")
                    session.add(PurposeKey(purpose=purpose, wrapped=wrapped, created_at=now))
                    session.flush()
                    if purpose in acts:
                        acts[purpose](session, key)
        except IntegrityError:
            continue  # another process was first; its key is as good
