"""A mark on a row that only a holder of the sign-in key can make: a keyed MAC over its columns.

Who can write to the database but has no key can change a row, and then its mark does not hold. What
of a row is not under its mark is named in :data:`LOOSE`; columns of blind indexes are compared with
what is sealed instead (:mod:`vault.keys.blind_index_check`), since they change with the index key. An old
row that is put back whole holds again: what must be used once is counted outside the database too
(:mod:`vault.external_counters`).
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

from storage.column_helpers import BLIND
from storage.session import Work
from vault.keys import keyring
from vault.keys.keyring import SIGN_IN

_Row = TypeVar("_Row", bound=Any)
#: Tables whose rows are marked by each who writes one, with :func:`bind` or :func:`rebind`.
BY_HAND = (
    *("enrolment_link", "recovery_code", "staff_session", "api_token"),
    *("calendar_feed", "customer_session", "number_proof"),
)
#: Tables whose rows get their mark when the session is flushed. Statements past the session have to
#: bring it along, or empty it.
AT_FLUSH = ("staff", "passkey", "callback", "code", "phone_call")
#: What is not under the mark. A topic and a ticket are sealed to their row, and emptied when their
#: customer is erased; when a feed was read lets nobody in; the others are noted on decoys too.
LOOSE = {
    "callback": frozenset({"topic", "ticket"}),
    "calendar_feed": frozenset({"read_at"}),
    "code": frozenset({"unmet", "tries_ignored"}),
}
#: A code is found by its number and bound to it; :func:`verification.call_session.reindex` moves both.
_WITH_INDEX = frozenset({"code"})


class _Parts(Mapping[str, tuple[str, ...]]):
    """The columns under the mark, by table; read from the tables, so that none is forgotten."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, ...]] = {}

    def __getitem__(self, name: str) -> tuple[str, ...]:
        if name not in self._known:
            self._known[name] = tuple(self._of(name))
        return self._known[name]

    def _of(self, name: str) -> Iterator[str]:
        for column in table(name).columns:
            index = column.info.get(BLIND) and name not in _WITH_INDEX
            if column.name != "bound" and column.name not in LOOSE.get(name, ()) and not index:
                yield column.name

    def __iter__(self) -> Iterator[str]:
        return iter((*BY_HAND, *AT_FLUSH))

    def __len__(self) -> int:
        return len(BY_HAND) + len(AT_FLUSH)


PARTS = _Parts()


def table(name: str) -> Table:
    """The table of that name."""
    return SQLModel.metadata.tables[name]


def bind(session: Session, row: _Row) -> _Row:
    """The row, marked as it is now; to be called before it is added."""
    row.bound = mark(session, row.__tablename__, _values(row))
    return row


def holds(session: Work, row: Any) -> bool:
    """Whether a row from the store says what it said when it was marked."""
    return fits(session, row.__tablename__, _values(row), row.bound)


def rebind(session: Session, row: _Row) -> _Row:
    """The row, marked with what has just been changed of it and is not flushed yet. What is in the
    store is read again and locked; where that does not hold, neither will this."""
    found = _whole_in_store(session, row)
    if found is not None:
        row.bound = mark(session, row.__tablename__, {**found, **_changed(row)})
    return row


def mark(session: Work, name: str, values: Mapping[str, Any], extra: str = "") -> bytes:
    """The mark of a row of table ``name`` that has these values."""
    return bytes.fromhex(keyring.of(session).mark(SIGN_IN, told(name, values, extra)))


def fits(
    session: Work, name: str, values: Mapping[str, Any], bound: bytes | None, extra: str = ""
) -> bool:
    """Whether ``bound`` is the mark of these values, in a time that does not tell how much is."""
    return hmac.compare_digest(mark(session, name, values, extra), bound or b"")


def told(name: str, values: Mapping[str, Any], extra: str = "") -> str:
    """What is marked. ``extra`` is what a row must not be parted from and does not hold."""
    parts = [name, *(plain(values[each]) for each in PARTS[name])]
    if extra:
        parts.append(extra)
    return json.dumps(parts).ljust(_LENGTHS.get(name, 0))


def plain(value: Any) -> str | int | None:
    """One form for a value, whether it is about to be stored or comes from either database."""
    if value is None or type(value) in _AS_IT_IS:
        found: str | int | None = value
        return found
    if isinstance(value, bytes | UUID):
        return value.hex if isinstance(value, UUID) else value.hex()
    if isinstance(value, datetime):
        utc = value if value.tzinfo is UTC else value.astimezone(UTC)
        return utc.isoformat(timespec="microseconds")
    return value if isinstance(value, int) else str(value)


#: A code's row takes as long to mark as a decoy's, which has less in it (rule C5).
_LENGTHS = {"code": 768}
_AS_IT_IS = frozenset({int, str, bool})


def _values(row: Any) -> dict[str, Any]:
    return {part: getattr(row, part) for part in PARTS[row.__tablename__]}


def _changed(row: Any) -> dict[str, Any]:
    """What of the columns under the mark was set and is not flushed yet."""
    state = inspect(row)
    return {
        part: getattr(row, part)
        for part in PARTS[row.__tablename__]
        if state.attrs[part].history.has_changes()
    }


def _whole_in_store(session: OrmSession, row: Any) -> Mapping[str, Any] | None:
    """What is in the store of a row, locked; nothing where it does not hold."""
    name = row.__tablename__
    found: Row[Any] | None = (
        session.connection()
        .execute(
            select(table(name)).where(table(name).c.id == row.id).with_for_update(key_share=True)
        )
        .first()
    )
    if found is None:
        return None
    values = {str(key): value for key, value in found._mapping.items()}
    work: Any = session
    return values if fits(work, name, values, values["bound"]) else None


@event.listens_for(OrmSession, "before_flush")
def _at_flush(session: OrmSession, *_: Any) -> None:
    """Mark what is new or changed. A row that somebody changed behind our back stays as it is: what
    we write later must not make it good."""
    if not keyring.is_carried(cast(Work, session)):
        return
    found: Any = session
    for row in session.new:
        if getattr(row, "__tablename__", "") in AT_FLUSH:
            bind(found, row)
    for row in session.dirty:
        if getattr(row, "__tablename__", "") in AT_FLUSH and _changed(row):
            rebind(found, row)
