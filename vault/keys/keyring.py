"""The keys of a unit of work: purpose keys from the database, customers' keys on demand.

To introduce a purpose, add a line to :data:`INTRODUCED_AT` with the revision of the migration that
needs its key: the upgrade that reaches this revision creates the key, and nothing else ever does
(:mod:`vault.keys.key_upgrade`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from threading import Lock
from typing import cast
from uuid import UUID

from sqlalchemy import Engine

from storage import statement_timeout
from storage.session import UnitOfWork, transaction
from vault.audit_writers import EntryWriter
from vault.errors import KeyForged, KeyUnavailable
from vault.keys import key_register
from vault.keys.aead import (
    compute_mac,
    generate_key,
    hex_fingerprint,
    seal_with_derived_key,
    unseal,
)
from vault.keys.blind_index import IndexKeys
from vault.keys.index_key_cache import INDEX_ROWS, IndexKeyCache
from vault.keys.key_register import INDEX, NO_KEYS, KeyRegister
from vault.keys.master_keys import MasterKeys

STAFF, REPORTS, LINE, DEMO = "staff", "reports", "line", "demo"
LOG, APPROVALS, CANARIES, SIGN_IN = "log", "approvals", "canaries", "sign-in"
#: Computes the MACs of audit entries, and of the rows that the log keeps about itself.
AUDIT_WRITER = "audit-writer"
#: Each purpose with the first revision at which every database has its key.
INTRODUCED_AT = {
    INDEX: "0001",
    STAFF: "0001",
    REPORTS: "0001",
    DEMO: "0001",
    LINE: "0002",
    LOG: "0006",
    APPROVALS: "0010",
    CANARIES: "0015",
    SIGN_IN: "0024",
    AUDIT_WRITER: "0029",
}
PURPOSES = tuple(INTRODUCED_AT)
#: The owner of the decoy key; owns no row.
DECOY_OWNER = UUID(int=0)
_SESSION_KEY = "vouchline.keyring"


class Keyring:
    """Seals and opens fields, and computes blind indexes.

    Purpose keys are created with the first migration and loaded once per process; the index keys
    can be rotated meanwhile (:mod:`vault.keys.index_key_rotation`), so they are reloaded before
    they are too old.
    """

    def __init__(
        self,
        master: MasterKeys,
        engine: Engine,
        *,
        ticks: Callable[[], float] = statement_timeout.monotonic_seconds,
        keys: Mapping[str, bytes] | None = None,
    ) -> None:
        """``keys`` are passed by an upgrade, before others can read them."""
        self._master = master
        self._engine = engine
        self._purpose: dict[str, bytes] = dict(keys or {})
        self._index = IndexKeyCache(master, engine, ticks)
        self._lock = Lock()
        #: A wrapped key of :data:`DECOY_OWNER` that decrypts nothing: for work that must take as
        #: long when there is nothing to decrypt (rule C5).
        self.decoy_wrapped_key = master.wrap_with_master(
            generate_key(), f"data_key.wrapped:{DECOY_OWNER}"
        )
        self._writer: EntryWriter | None = None
        #: Called with the writer of a process when it starts (:mod:`vault.audit.heartbeats`).
        self.on_writer: Callable[[EntryWriter], None] | None = None

    def compute_blind_index(self, kind: str, value: str) -> bytes:
        """Return the form of a value that a new row is written under (see
        :mod:`vault.keys.blind_index`).

        ``kind`` (``phone``, ``ticket``, ``email`` …) separates the values of different columns.
        """
        return self.compute_search_forms(kind, value)[0]

    def compute_search_forms(self, kind: str, value: str) -> list[bytes]:
        """Return the forms that a row with this value may be found by: two during a rotation."""
        return self.index_keys().search_forms(kind, value)

    def index_keys(self) -> IndexKeys:
        """Return the index keys as this process knows them."""
        return self._index.get_index_keys()

    def load_all_keys(self) -> None:
        """Load all keys now, and compare them with the key register. Raises ``KeyUnavailable``, or
        the database's errors if it cannot be reached."""
        with self._lock:
            self._load_purpose_keys()
        self._index.get_index_keys()

    def compute_stable_form(self, kind: str, value: str) -> bytes:
        """Return a form for advisory locks (:mod:`storage.advisory_lock`), never stored: it is the
        same in all processes during a rotation."""
        return self.index_keys().first_form(kind, value)

    def to_current_form(self, form: bytes) -> bytes:
        """Convert a stored form to the one that new rows are written under."""
        return self.index_keys().to_written_form(form)

    def wrap_new_key(self, owner: UUID) -> bytes:
        """Create a data key for ``owner``; return it wrapped by the master key."""
        return self._master.wrap_with_master(generate_key(), f"data_key.wrapped:{owner}")

    def unwrap_key(self, wrapped: bytes, owner: UUID) -> bytes:
        """Unwrap the output of :meth:`wrap_new_key`."""
        return self._master.unwrap_with_master(wrapped, f"data_key.wrapped:{owner}")

    def seal_for_purpose(self, purpose: str, place: str, value: str) -> bytes:
        """Encrypt ``value`` under the key of ``purpose``, bound to ``place``."""
        return seal_with_derived_key(self._get_purpose_key(purpose), value.encode(), place)

    def open_for_purpose(self, purpose: str, place: str, sealed: bytes) -> str:
        """Decrypt the output of :meth:`seal_for_purpose`."""
        return unseal(self._get_purpose_key(purpose), sealed, place).decode()

    def fingerprint_for_purpose(self, purpose: str, value: str) -> str:
        """Return a MAC of ``value`` under the key of ``purpose``, in 32 hexadecimal digits."""
        return hex_fingerprint(self._get_purpose_key(purpose), value)

    def mac_for_purpose(self, purpose: str, value: bytes) -> bytes:
        """Return a MAC of ``value`` under the key of ``purpose``, in 16 bytes."""
        return compute_mac(self._get_purpose_key(purpose), value)

    def get_entry_writer(self) -> EntryWriter:
        """Return this process's writer of audit entries."""
        writer = self._writer
        if writer is None or writer.pid != os.getpid():
            writer = self._start_entry_writer()
        return writer

    def find_entry_writer(self) -> EntryWriter | None:
        """Return this process's writer, or ``None`` if it has not written anything yet."""
        writer = self._writer
        return writer if writer is not None and writer.pid == os.getpid() else None

    def _start_entry_writer(self) -> EntryWriter:
        with self._lock:
            if self._writer is None or self._writer.pid != os.getpid():
                self._writer = EntryWriter()
                if self.on_writer is not None:
                    self.on_writer(self._writer)
            return self._writer

    def log_signing_seed(self) -> bytes:
        """Return the private key that signs the audit log's checkpoints (32 bytes, for Ed25519)."""
        return self._get_purpose_key(LOG)

    def refresh_index_keys(self, session: UnitOfWork) -> None:
        """See :func:`lock_index_keys`."""
        rows = session.connection().execute(INDEX_ROWS.with_for_update(read=True)).all()
        if not rows:
            raise KeyUnavailable(NO_KEYS)
        try:
            self._index.accept_key_rows(rows)
        except KeyForged:
            # A rotation advanced while this statement waited for its lock: the keys are current,
            # but the register is from the statement's start.
            self._index.accept_key_rows(session.connection().execute(INDEX_ROWS).all())

    def has_fact(self, session: UnitOfWork, fact: str) -> bool:
        """Return whether the key register holds a fact. Raises ``KeyUnavailable``."""
        return fact in key_register.load_register(session, self._master).facts

    def add_fact(self, session: UnitOfWork, fact: str) -> None:
        """Add a permanent fact to the key register."""
        self.update_key_register(
            session, lambda r: r if fact in r.facts else replace(r, facts=(*r.facts, fact))
        )

    def update_key_register(
        self, session: UnitOfWork, how: Callable[[KeyRegister], KeyRegister]
    ) -> KeyRegister:
        """See :func:`vault.keys.key_register.update_register`."""
        return key_register.update_register(session, self._master, how)

    def _get_purpose_key(self, purpose: str) -> bytes:
        key = self._purpose.get(purpose)
        if key is None:
            with self._lock:
                self._load_purpose_keys()
            key = self._purpose.get(purpose)
        if key is None:
            raise KeyUnavailable(NO_KEYS)
        return key

    def _load_purpose_keys(self) -> None:
        """Load all purpose keys on a separate connection, outside the caller's transaction."""
        with transaction(self._engine, read_only=True) as session:
            self._purpose = key_register.open_register_and_keys(session, self._master)[1]


def current_keyring(session: UnitOfWork) -> Keyring:
    """Return the keyring in the session's ``info``."""
    return cast(Keyring, session.info[_SESSION_KEY])


def has_keyring(session: UnitOfWork) -> bool:
    """Return whether the session has a keyring."""
    return _SESSION_KEY in session.info


def lock_index_keys(session: UnitOfWork) -> None:
    """Lock the index keys against rotation until this transaction ends.

    Call before a look-up that decides whether to add a unique value: until then, all writers use
    the same index key, or find what was written under the previous one.
    """
    current_keyring(session).refresh_index_keys(session)


def keyring_session_info(keyring: Keyring) -> dict[str, object]:
    """Return the entries for a session's ``info``, to be passed when opening a transaction that
    needs keys."""
    return {_SESSION_KEY: keyring}


def make_purpose_keys(engine: Engine, master: MasterKeys, now: datetime) -> None:
    """See :func:`vault.keys.key_upgrade.make_first_keys`."""
    from vault.keys import key_upgrade  # noqa: PLC0415  (which works with keyrings)

    key_upgrade.make_first_keys(engine, master, now)
