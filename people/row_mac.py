"""A mark on a row that only a holder of the sign-in key can make: a keyed MAC over its columns.

Who can write to the database but has no key can change a row, and then its mark does not hold. What
of a row is not under its mark is named in :data:`UNCOVERED_COLUMNS`; columns of blind indexes are
compared with what is sealed instead (:mod:`vault.keys.blind_index_check`), since they change with
the index key. An old row that is put back whole holds again: what must be used once is counted
outside the database too (:mod:`vault.external_counters`).
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar, cast
from uuid import UUID

from sqlalchemy import Row, Table, event, inspect, select
from sqlalchemy.orm import Session as OrmSession
from sqlmodel import Session, SQLModel

from storage.column_helpers import BLIND_INDEX
from storage.session import UnitOfWork
from vault.keys import keyring
from vault.keys.keyring import SIGN_IN

_Row = TypeVar("_Row", bound=Any)
#: Tables whose rows are marked by each who writes one, with :func:`attach_mac` or
#: :func:`refresh_mac`.
EXPLICIT_TABLES = (
    *("enrolment_link", "recovery_code", "staff_session", "api_token"),
    *("calendar_feed", "customer_session", "number_proof"),
)
#: Tables whose rows get their mark when the session is flushed. Statements past the session have to
#: bring it along, or empty it.
AUTOMATIC_TABLES = ("staff", "passkey", "callback", "code", "phone_call")
#: What is not under the mark. A topic and a ticket are sealed to their row, and emptied when their
#: customer is erased; when a feed was read lets nobody in; the others are noted on decoys too.
UNCOVERED_COLUMNS = {
    "callback": frozenset({"topic", "ticket"}),
    "calendar_feed": frozenset({"read_at"}),
    "code": frozenset({"unmet", "tries_ignored"}),
}
#: A code is found by its number and bound to it; :func:`verification.call_session.reindex_code`
#: moves both.
_INDEX_COVERED = frozenset({"code"})


class _MacColumns(Mapping[str, tuple[str, ...]]):
    """The columns under the mark, by table; read from the tables, so that none is forgotten."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, ...]] = {}

    def __getitem__(self, name: str) -> tuple[str, ...]:
        if name not in self._known:
            self._known[name] = tuple(self._covered_columns(name))
        return self._known[name]

    def _covered_columns(self, name: str) -> Iterator[str]:
        for column in table_by_name(name).columns:
            index = column.info.get(BLIND_INDEX) and name not in _INDEX_COVERED
            if (
                column.name != "bound"
                and column.name not in UNCOVERED_COLUMNS.get(name, ())
                and not index
            ):
                yield column.name

    def __iter__(self) -> Iterator[str]:
        return iter((*EXPLICIT_TABLES, *AUTOMATIC_TABLES))

    def __len__(self) -> int:
        return len(EXPLICIT_TABLES) + len(AUTOMATIC_TABLES)


MAC_COLUMNS = _MacColumns()


def table_by_name(name: str) -> Table:
    """The table of that name."""
    return SQLModel.metadata.tables[name]


def attach_mac(session: Session, row: _Row) -> _Row:
    """The row, marked as it is now; to be called before it is added."""
    row.bound = compute_column_mac(session, row.__tablename__, _covered_values(row))
    return row


def is_row_intact(session: UnitOfWork, row: Any) -> bool:
    """Whether a row from the store says what it said when it was marked."""
    return mac_matches(session, row.__tablename__, _covered_values(row), row.bound)


def refresh_mac(session: Session, row: _Row) -> _Row:
    """The row, marked with what has just been changed of it and is not flushed yet. What is in the
    store is read again and locked; where that does not hold, neither will this."""
    found = _load_intact_values(session, row)
    if found is not None:
        row.bound = compute_column_mac(
            session, row.__tablename__, {**found, **_changed_columns(row)}
        )
    return row


def compute_column_mac(
    session: UnitOfWork, name: str, values: Mapping[str, Any], extra: str = ""
) -> bytes:
    """The mark of a row of table ``name`` that has these values."""
    return bytes.fromhex(
        keyring.current_keyring(session).fingerprint_for_purpose(
            SIGN_IN, encode_mac_input(name, values, extra)
        )
    )


def mac_matches(
    session: UnitOfWork, name: str, values: Mapping[str, Any], bound: bytes | None, extra: str = ""
) -> bool:
    """Whether ``bound`` is the mark of these values, in a time that does not tell how much is."""
    return hmac.compare_digest(compute_column_mac(session, name, values, extra), bound or b"")


def encode_mac_input(name: str, values: Mapping[str, Any], extra: str = "") -> str:
    """What is marked. ``extra`` is what a row must not be parted from and does not hold."""
    parts = [name, *(canonical_value(values[item]) for item in MAC_COLUMNS[name])]
    if extra:
        parts.append(extra)
    return json.dumps(parts).ljust(_PADDED_LENGTHS.get(name, 0))


def canonical_value(value: Any) -> str | int | None:
    """One form for a value, whether it is about to be stored or comes from either database."""
    if value is None or type(value) in _PLAIN_TYPES:
        found: str | int | None = value
        return found
    if isinstance(value, bytes | UUID):
        return value.hex if isinstance(value, UUID) else value.hex()
    if isinstance(value, datetime):
        utc = value if value.tzinfo is UTC else value.astimezone(UTC)
        return utc.isoformat(timespec="microseconds")
    return value if isinstance(value, int) else str(value)


#: A code's row takes as long to mark as a decoy's, which has less in it (rule C5).
_PADDED_LENGTHS = {"code": 768}
_PLAIN_TYPES = frozenset({int, str, bool})


def _covered_values(row: Any) -> dict[str, Any]:
    return {part: getattr(row, part) for part in MAC_COLUMNS[row.__tablename__]}


def _changed_columns(row: Any) -> dict[str, Any]:
    """What of the columns under the mark was set and is not flushed yet."""
    state = inspect(row)
    return {
        part: getattr(row, part)
        for part in MAC_COLUMNS[row.__tablename__]
        if state.attrs[part].history.has_changes()
    }


def _load_intact_values(session: OrmSession, row: Any) -> Mapping[str, Any] | None:
    """What is in the store of a row, locked; nothing where it does not hold."""
    name = row.__tablename__
    found: Row[Any] | None = (
        session.connection()
        .execute(
            select(table_by_name(name))
            .where(table_by_name(name).c.id == row.id)
            .with_for_update(key_share=True)
        )
        .first()
    )
    if found is None:
        return None
    values = {str(key): value for key, value in found._mapping.items()}
    work: Any = session
    return values if mac_matches(work, name, values, values["bound"]) else None


@event.listens_for(OrmSession, "before_flush")
def _set_macs_before_flush(session: OrmSession, *_: Any) -> None:
    """Mark what is new or changed. A row that somebody changed behind our back stays as it is: what
    we write later must not make it good."""
    if not keyring.has_keyring(cast(UnitOfWork, session)):
        return
    found: Any = session
    for row in session.new:
        if getattr(row, "__tablename__", "") in AUTOMATIC_TABLES:
            attach_mac(found, row)
    for row in session.dirty:
        if getattr(row, "__tablename__", "") in AUTOMATIC_TABLES and _changed_columns(row):
            refresh_mac(found, row)
