"""The true revision of a database, from its keys and its sealed register rather than from
``alembic_version``, which any database writer can change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine, inspect, literal, select, table
from sqlmodel import Session, SQLModel

from storage import migrate
from vault.errors import KeyForged, KeyUnavailable, Tampered
from vault.keys import key_register, keyring
from vault.keys.key_register import KeyRegister, early_wrap_context, wrap_context
from vault.keys.keyring import INTRODUCED_AT
from vault.keys.master_keys import MasterKeys
from vault.models import KeyRegisterRow, PurposeKey

#: The revision that introduced the register.
REGISTER_REVISION = "0028"
_KEYS = PurposeKey.__table__  # type: ignore[attr-defined]
_REGISTER = KeyRegisterRow.__table__  # type: ignore[attr-defined]
_HELP = "(docs/operators/production.md, 'Keys that are missing')"
REVISION_MISSING = (
    "the store has tables but does not say at which revision: somebody changed the database. Put"
    f" table alembic_version back from a backup {_HELP}"
)
REVISION_MISMATCH = (
    "the database says that it is at revision {}, but its key register says {}: somebody changed"
    f" the database. Put table alembic_version back from a backup {_HELP}"
)
WAS_REGISTERED = (
    "the database says that it is at revision {}, but its keys are those of a later one: somebody"
    f" changed the database. Put it back from a backup {_HELP}"
)
REVISION_TOO_NEW = (
    "the store is at revision {}, which this version does not know: start a newer version"
)
PIN_MISMATCH = (
    "the store is not, or no longer, the one that VOUCHLINE_KEY_REGISTER_PIN names: somebody"
    f" changed the database. Put it back from a backup {_HELP}"
)


@dataclass
class StoreKeyState:
    """The true state of a database. ``reached`` are its revisions, empty for a new one."""

    reached: list[str] = field(default_factory=list)
    keys: dict[str, bytes] = field(default_factory=dict)
    register: KeyRegister | None = None


def examine_store(
    connection: Connection, master: MasterKeys, revision: str | None, pin: str = ""
) -> StoreKeyState:
    """Return the state of the database. Raises ``KeyUnavailable`` with a sentence if its keys, its
    register and its revision are inconsistent."""
    state = _examine_revision(connection, master, revision)
    _require_pinned(state.register, pin)
    return state


def _examine_revision(
    connection: Connection, master: MasterKeys, revision: str | None
) -> StoreKeyState:
    if revision is None:
        _require_no_tables(connection)
        return StoreKeyState()
    try:
        reached = migrate.list_reached_revisions(revision)
    except ValueError:
        raise KeyUnavailable(REVISION_TOO_NEW.format(revision)) from None
    if REGISTER_REVISION not in reached:
        return _examine_early_store(connection, master, revision, reached)
    return _examine_registered_store(connection, master, revision, reached)


def _require_no_tables(connection: Connection) -> None:
    ours = set(SQLModel.metadata.tables)
    if ours & set(inspect(connection).get_table_names()):
        raise KeyForged(REVISION_MISSING)


def _examine_registered_store(
    connection: Connection, master: MasterKeys, revision: str, reached: list[str]
) -> StoreKeyState:
    if "key_register" not in inspect(connection).get_table_names():
        raise KeyForged(key_register.REGISTER_GONE.format("key_register"))
    with Session(connection) as session:
        try:
            register, keys = key_register.open_register_and_keys(session, master)
        except KeyUnavailable as error:
            if str(error) == key_register.NO_KEYS:  # the tables exist, so keys were made
                raise KeyForged(key_register.REGISTER_GONE.format("key_register")) from None
            raise
    if register.revision != revision:
        raise KeyForged(REVISION_MISMATCH.format(revision, register.revision))
    _require_introduced(reached, keys)
    return StoreKeyState(reached, keys, register)


def _examine_early_store(
    connection: Connection, master: MasterKeys, revision: str, reached: list[str]
) -> StoreKeyState:
    """Examine a database from before there was a register."""
    if "key_register" in inspect(connection).get_table_names():
        raise KeyForged(WAS_REGISTERED.format(revision))
    rows = connection.execute(select(_KEYS.c.purpose, _KEYS.c.wrapped)).all()
    if not rows and _is_store_unused(connection):
        return StoreKeyState(reached=[])
    keys = {name: _unwrap_early_key(master, name, wrapped, revision) for name, wrapped in rows}
    _require_introduced(reached, keys)
    if keyring.SIGN_IN in keys and INTRODUCED_AT[keyring.SIGN_IN] not in reached:
        raise KeyForged(WAS_REGISTERED.format(revision))  # its rows have already been bound
    return StoreKeyState(reached, keys)


def _unwrap_early_key(master: MasterKeys, purpose: str, wrapped: bytes, revision: str) -> bytes:
    try:
        return master.unwrap_with_master(wrapped, early_wrap_context(purpose))
    except Tampered:
        pass
    try:
        master.unwrap_with_master(wrapped, wrap_context(purpose))
    except Tampered:
        raise KeyForged(key_register.KEY_MISMATCH.format(purpose, "purpose_key")) from None
    raise KeyForged(WAS_REGISTERED.format(revision))


def _is_store_unused(connection: Connection) -> bool:
    """Return whether an upgrade stopped before it made the keys: no rows that need one exist."""
    known = set(inspect(connection).get_table_names())
    return not any(
        name in known
        and connection.execute(select(literal(1)).select_from(table(name)).limit(1)).first()
        for name in ("staff", "data_key", "customer")
    )


def _require_introduced(reached: list[str], keys: Mapping[str, bytes]) -> None:
    for purpose, revision in INTRODUCED_AT.items():
        if revision in reached and purpose not in keys:
            raise KeyForged(key_register.KEY_MISSING.format(purpose, "purpose_key"))


def _require_pinned(register: KeyRegister | None, pin: str) -> None:
    store, _, generation = pin.partition(":")
    if not pin:
        return
    if register is None or register.store != store or register.generation < int(generation):
        raise KeyForged(PIN_MISMATCH)


def is_store_untouched(connection: Connection) -> bool:
    """Return whether a database has its tables, but no keys, no register and no people."""
    queries = select(_KEYS.c.purpose).limit(1), select(_REGISTER.c.id).limit(1)
    return _is_store_unused(connection) and not any(
        connection.execute(query).first() for query in queries
    )


def has_purpose_keys(engine: Engine) -> bool:
    """Return whether a database has keys, so that no master key may be made for it."""
    with engine.connect() as connection:
        known = inspect(connection).get_table_names()
        if "purpose_key" not in known:
            return False
        return connection.execute(select(_KEYS.c.purpose).limit(1)).first() is not None
