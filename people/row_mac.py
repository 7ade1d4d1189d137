"""Row MACs: a keyed MAC over a row's columns that only a holder of the sign-in key can compute.

Somebody who can write to the database but has no key can change a row, but its MAC then does not
hold. Columns that are not covered are listed in :data:`UNCOVERED_COLUMNS`; blind index columns are
compared with the sealed value instead (:mod:`vault.keys.blind_index_check`), since they change with
the index key. Restoring an old row as a whole is not detected by its MAC: whatever may be used only
once is also counted outside the database (:mod:`vault.external_counters`).
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
#: Tables whose writers set the MAC themselves, with :func:`attach_mac` or :func:`refresh_mac`.
EXPLICIT_TABLES = (
    *("enrolment_link", "recovery_code", "staff_session", "api_token"),
    *("calendar_feed", "customer_session", "number_proof"),
)
#: Tables whose MACs are set when the session is flushed. Statements that bypass the session must
#: set or clear it.
AUTOMATIC_TABLES = ("staff", "passkey", "callback", "code", "phone_call")
#: Columns without a MAC. A topic and a ticket are sealed to their row and emptied when their
#: customer is erased; when a feed was read grants nothing; the others are written to decoys too.
UNCOVERED_COLUMNS = {
    "callback": frozenset({"topic", "ticket"}),
    "calendar_feed": frozenset({"read_at"}),
    "code": frozenset({"unmet", "tries_ignored"}),
}
#: A code is found by its number and bound to it; :func:`verification.open_codes.reindex_code`
#: updates both.
_INDEX_COVERED = frozenset({"code"})


class _MacColumns(Mapping[str, tuple[str, ...]]):
    """The columns under the MAC, by table; read from the tables, so that none is forgotten."""

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
    """Return the table of that name."""
    return SQLModel.metadata.tables[name]


def attach_mac(session: Session, row: _Row) -> _Row:
    """Set the MAC of a row that has not been added yet; return the row."""
    row.bound = compute_column_mac(session, row.__tablename__, _covered_values(row))
    return row


def is_row_intact(session: UnitOfWork, row: Any) -> bool:
    """Return whether the MAC of a stored row holds."""
    return mac_matches(session, row.__tablename__, _covered_values(row), row.bound)


def refresh_mac(session: Session, row: _Row) -> _Row:
    """Update the MAC of a row with its unflushed changes; return the row.

    Locks and reloads the stored row. If its current MAC does not hold, neither will the new one.
    """
    stored = _load_intact_values(session, row)
    if stored is not None:
        row.bound = compute_column_mac(
            session, row.__tablename__, {**stored, **_changed_columns(row)}
        )
    return row


def compute_column_mac(
    session: UnitOfWork, name: str, values: Mapping[str, Any], extra: str = ""
) -> bytes:
    """Return the MAC of a row of table ``name`` with these values."""
    return bytes.fromhex(
        keyring.current_keyring(session).fingerprint_for_purpose(
            SIGN_IN, encode_mac_input(name, values, extra)
        )
    )


def mac_matches(
    session: UnitOfWork, name: str, values: Mapping[str, Any], bound: bytes | None, extra: str = ""
) -> bool:
    """Return whether ``bound`` is the MAC of these values, in constant time."""
    return hmac.compare_digest(compute_column_mac(session, name, values, extra), bound or b"")


def encode_mac_input(name: str, values: Mapping[str, Any], extra: str = "") -> str:
    """Return the input of the MAC. ``extra`` is a value that is bound to the row but not stored in
    it."""
    parts = [name, *(canonical_value(values[item]) for item in MAC_COLUMNS[name])]
    if extra:
        parts.append(extra)
    return json.dumps(parts).ljust(_PADDED_LENGTHS.get(name, 0))


def canonical_value(value: Any) -> str | int | None:
    """Return one form of a value, the same before it is stored and when read from either
    database."""
    if value is None or type(value) in _PLAIN_TYPES:
        plain: str | int | None = value
        return plain
    if isinstance(value, bytes | UUID):
        return value.hex if isinstance(value, UUID) else value.hex()
    if isinstance(value, datetime):
        utc = value if value.tzinfo is UTC else value.astimezone(UTC)
        return utc.isoformat(timespec="microseconds")
    return value if isinstance(value, int) else str(value)


#: The MAC of a code's row takes as long as that of a decoy, which holds less data (rule C5).
_PADDED_LENGTHS = {"code": 768}
_PLAIN_TYPES = frozenset({int, str, bool})


def _covered_values(row: Any) -> dict[str, Any]:
    return {part: getattr(row, part) for part in MAC_COLUMNS[row.__tablename__]}


def _changed_columns(row: Any) -> dict[str, Any]:
    """Return the columns under the MAC that were changed and not flushed yet."""
    state = inspect(row)
    return {
        part: getattr(row, part)
        for part in MAC_COLUMNS[row.__tablename__]
        if state.attrs[part].history.has_changes()
    }


def _load_intact_values(session: OrmSession, row: Any) -> Mapping[str, Any] | None:
    """Load the stored values of a row, locked; ``None`` if its MAC does not hold."""
    name = row.__tablename__
    stored: Row[Any] | None = (
        session.connection()
        .execute(
            select(table_by_name(name))
            .where(table_by_name(name).c.id == row.id)
            .with_for_update(key_share=True)
        )
        .first()
    )
    if stored is None:
        return None
    values = {str(key): value for key, value in stored._mapping.items()}
    unit: Any = session
    return values if mac_matches(unit, name, values, values["bound"]) else None


@event.listens_for(OrmSession, "before_flush")
def _set_macs_before_flush(session: OrmSession, *_: Any) -> None:
    """Set the MACs of new and changed rows. A row that was changed outside the application keeps
    its invalid MAC: a later write of ours must not make it valid."""
    if not keyring.has_keyring(cast(UnitOfWork, session)):
        return
    unit: Any = session
    for row in session.new:
        if getattr(row, "__tablename__", "") in AUTOMATIC_TABLES:
            attach_mac(unit, row)
    for row in session.dirty:
        if getattr(row, "__tablename__", "") in AUTOMATIC_TABLES and _changed_columns(row):
            refresh_mac(unit, row)
