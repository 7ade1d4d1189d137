"""The key register: which keys this database has, sealed under the master key.

A database writer can delete, replace or restore rows of ``purpose_key``, but cannot write the
register: it holds each purpose's fingerprint, the states of the index keys, the revision that the
last upgrade reached, and permanent facts (:data:`SET_UP_FACT`). Any difference from it is detected
wherever keys are read, and a key that the register lists is never created again.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy import insert as insert_row

from storage.session import UnitOfWork
from vault.errors import KeyForged, KeyUnavailable, Tampered
from vault.keys.aead import hex_fingerprint
from vault.keys.master_keys import MasterKeys
from vault.models import KeyRegisterRow, PurposeKey

INDEX = "index"
#: The fact that bootstrap is finished (people/approvals/bootstrap.py).
SET_UP_FACT = "set up"
_PLACE = "key_register.sealed"
_KEYS = PurposeKey.__table__  # type: ignore[attr-defined]
_TABLE = KeyRegisterRow.__table__  # type: ignore[attr-defined]
_SEALED = select(_TABLE.c.sealed).where(_TABLE.c.id == 1)
#: One statement, so that keys and register are a consistent snapshot.
KEY_ROWS = select(
    _KEYS.c.purpose,
    _KEYS.c.wrapped,
    _KEYS.c.state,
    _KEYS.c.since,
    _SEALED.scalar_subquery().label("register"),
).order_by(_KEYS.c.created_at, _KEYS.c.purpose)

NO_KEYS = "the store has no keys yet: run 'flask --app app db upgrade'"
_WHAT_TO_DO = (
    "somebody changed the database. Find out who, and put table {} back from a backup;"
    " 'flask --app app db upgrade' does not make it again (docs/operators/production.md, 'Keys"
    " that are missing')"
)
REGISTER_GONE = f"the store's key register is missing or cannot be opened: {_WHAT_TO_DO}"
KEY_MISSING = f"the key for '{{}}' is missing from the store: {_WHAT_TO_DO}"
KEY_MISMATCH = f"the key for '{{}}' is not the one that was made for this store: {_WHAT_TO_DO}"
KEY_UNKNOWN = f"the store has a key for '{{}}' that was never made for it: {_WHAT_TO_DO}"
INDEX_STATE_MISMATCH = (
    f"the index keys are not in the state that they were brought to: {_WHAT_TO_DO}"
)


@dataclass(frozen=True)
class KeyRegister:
    """``store`` is random; ``generation`` increases with each change; ``revision`` is what the last
    upgrade reached; ``keys`` holds a fingerprint by purpose, ``states`` those of index keys."""

    revision: str
    keys: Mapping[str, str]
    states: Mapping[str, str | None] = field(default_factory=dict)
    facts: Sequence[str] = ()
    store: str = field(default_factory=lambda: secrets.token_hex(8))
    generation: int = 1

    @property
    def pin(self) -> str:
        """The value for ``VOUCHLINE_KEY_REGISTER_PIN``."""
        return f"{self.store}:{self.generation}"


def wrap_context(purpose: str) -> str:
    """Return the wrap context of a purpose's key in a database with a register. It differs from
    :func:`early_wrap_context`, so that keys wrapped this way prove that there was a register."""
    return f"purpose_key.registered:{purpose}"


def early_wrap_context(purpose: str) -> str:
    """Return the wrap context of a purpose's key before there was a register."""
    return f"purpose_key:{purpose}"


def register_fingerprint(key: bytes) -> str:
    """Return the fingerprint of a key that the register stores."""
    return hex_fingerprint(key, "key register")


def open_register(master: MasterKeys, sealed: bytes | None) -> KeyRegister:
    """Decrypt the register. Raises ``KeyUnavailable`` if it is missing, forged, or of another
    master key."""
    try:
        if sealed is None:
            raise Tampered("no register")
        return KeyRegister(**json.loads(master.unwrap_with_master(sealed, _PLACE)))
    except Tampered:
        raise KeyForged(REGISTER_GONE.format("key_register")) from None


def load_register(session: UnitOfWork, master: MasterKeys) -> KeyRegister:
    """Load the database's register. Raises as :func:`open_register`."""
    return open_register(master, session.connection().execute(_SEALED).scalar())


def add_register(session: UnitOfWork, master: MasterKeys, register: KeyRegister) -> None:
    """Store the first register of a database."""
    session.connection().execute(
        insert_row(_TABLE).values(id=1, sealed=_seal_register(master, register))
    )


def update_register(
    session: UnitOfWork, master: MasterKeys, how: Callable[[KeyRegister], KeyRegister]
) -> KeyRegister:
    """Change the register, serialized by a row lock; lock ``purpose_key`` rows first, never
    later. Raises as :func:`open_register`."""
    connection = session.connection()
    before = open_register(master, connection.execute(_SEALED.with_for_update()).scalar())
    after = how(before)
    if after != before:
        after = replace(after, generation=before.generation + 1)
        connection.execute(update(_TABLE).values(sealed=_seal_register(master, after)))
    return after


def rewrap_register(session: UnitOfWork, master: MasterKeys) -> None:
    """Reseal the unchanged register under the current master key."""
    connection = session.connection()
    sealed = connection.execute(_SEALED.with_for_update()).scalar()
    if sealed is None or master.wrapping_key_id(sealed) != master.current:
        register = open_register(master, sealed)
        connection.execute(update(_TABLE).values(sealed=_seal_register(master, register)))


def _seal_register(master: MasterKeys, register: KeyRegister) -> bytes:
    return master.wrap_with_master(json.dumps(asdict(register)).encode(), _PLACE)


def open_register_and_keys(
    session: UnitOfWork, master: MasterKeys
) -> tuple[KeyRegister, dict[str, bytes]]:
    """Return the register, and all keys by purpose, each checked against the register.

    Raises ``KeyUnavailable`` with a sentence that says what is wrong and what to do.
    """
    rows = session.connection().execute(KEY_ROWS).all()
    sealed = rows[0].register if rows else session.connection().execute(_SEALED).scalar()
    if not rows and sealed is None:
        raise KeyUnavailable(NO_KEYS)
    register = open_register(master, sealed)
    return register, _match_keys_to_register(master, register, register.keys, rows)


def open_index_keys(master: MasterKeys, rows: Sequence[Row[Any]]) -> list[bytes]:
    """Return the index keys of these rows of :data:`KEY_ROWS`, oldest first. Raises as
    :func:`open_register_and_keys`."""
    register = open_register(master, rows[-1].register)
    expected = {
        name: fingerprint for name, fingerprint in register.keys.items() if name.startswith(INDEX)
    }
    keys = _match_keys_to_register(master, register, expected, rows)
    return [keys[name] for name in sorted(keys, key=index_key_number)]


def index_key_number(purpose: str) -> int:
    """Return the number of an index key from its name: the database's own order could be
    changed."""
    return int(purpose.removeprefix(INDEX).removeprefix("-") or 0)


def _match_keys_to_register(
    master: MasterKeys,
    register: KeyRegister,
    expected: Mapping[str, str],
    rows: Sequence[Any],
) -> dict[str, bytes]:
    rows_by_purpose = {row.purpose: row for row in rows}
    for name in expected:
        if name not in rows_by_purpose:
            raise KeyForged(KEY_MISSING.format(name, "purpose_key"))
    keys = {}
    for name, row in rows_by_purpose.items():
        if name not in expected:
            raise KeyForged(KEY_UNKNOWN.format(name, "purpose_key"))
        if row.state != register.states.get(name):
            raise KeyForged(INDEX_STATE_MISMATCH.format("purpose_key"))
        keys[name] = _unwrap_purpose_key(master, name, row.wrapped)
        if not secrets.compare_digest(register_fingerprint(keys[name]), expected[name]):
            raise KeyForged(KEY_MISMATCH.format(name, "purpose_key"))
    return keys


def _unwrap_purpose_key(master: MasterKeys, purpose: str, wrapped: bytes) -> bytes:
    """Unwrap a purpose key. The register was decrypted, so the master keys are right: a key that
    does not unwrap is not ours."""
    try:
        return master.unwrap_with_master(wrapped, wrap_context(purpose))
    except (KeyUnavailable, Tampered):
        raise KeyForged(KEY_MISMATCH.format(purpose, "purpose_key")) from None
