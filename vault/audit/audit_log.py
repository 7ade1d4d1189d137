"""The audit log: who did or read what, for what purpose, when.

An entry is written in the transaction of its act or read. The request is committed before it is
answered, so without the entry nothing is done and nothing is shown. The database returns each entry
as it was stored, for comparison; and each carries a number of its process and a MAC
(:mod:`vault.audit_writers`), so that an entry that is removed or changed later is detected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlmodel import Session

from storage import transaction_outcomes
from storage.compiled_statements import CompiledStatement, RowNotKept
from storage.session import UnitOfWork
from vault.audit.acts import AuditAct
from vault.audit.entry_encoding import WRITER_COLUMNS, encode_entry_for_mac
from vault.keys import keyring
from vault.keys.keyring import AUDIT_WRITER
from vault.models import AuditEntry

_TABLE = AuditEntry.__table__  # type: ignore[attr-defined]
_INSERT = insert(_TABLE)
_COLUMNS = (
    "at",
    "actor",
    "staff_id",
    "action",
    "customer_id",
    "callback_id",
    "purpose",
    "detail",
    *WRITER_COLUMNS,
)
_RETURNED = [_TABLE.c[name] for name in _COLUMNS]
_INSERT_ONE = CompiledStatement(_INSERT.inline().returning(*_RETURNED), _COLUMNS)
_INSERT_MANY = _INSERT.returning(*_RETURNED)


@dataclass(frozen=True)
class Actor:
    """The actor. ``kind`` is ``staff``, ``customer``, ``provider``, ``system`` or ``operator``."""

    kind: str
    staff_id: UUID | None = None


SYSTEM = Actor("system")
OPERATOR = Actor("operator")
PROVIDER = Actor("provider")
CUSTOMER = Actor("customer")


def staff_actor(staff_id: UUID) -> Actor:
    """Return a member of staff as an actor."""
    return Actor("staff", staff_id)


def record_act(
    session: UnitOfWork,
    actor: Actor,
    action: AuditAct,
    now: datetime,
    *,
    customer_id: UUID | None = None,
    callback_id: UUID | None = None,
    purpose: str = "",
    detail: str = "",
) -> None:
    """Add one entry. ``purpose`` and ``detail`` hold fixed words and ids, never personal data.
    Raises ``RowNotKept`` if the database does not store it."""
    row = _audit_entry_row(actor, action, now, customer_id, callback_id, purpose, detail)
    with _number_and_mark(session, [row]):
        _INSERT_ONE.insert_and_verify(session, row)


def record_act_per_customer(
    session: Session,
    actor: Actor,
    action: AuditAct,
    now: datetime,
    *,
    about: Iterable[tuple[UUID | None, UUID | None]],
    purpose: str,
    detail: str = "",
) -> None:
    """Add one entry per customer for one act or read; takes pairs of customer and callback id.
    Raises ``RowNotKept`` if the database does not store them all."""
    rows = [_audit_entry_row(actor, action, now, who, what, purpose, detail) for who, what in about]
    if not rows:
        return
    with _number_and_mark(session, rows):
        stored = session.connection().execute(_INSERT_MANY, rows).all()
        by_number = {stored_row.number: tuple(stored_row) for stored_row in stored}
        expected = {row["number"]: tuple(row[name] for name in _COLUMNS) for row in rows}
        if by_number != expected or len(stored) != len(rows):
            raise RowNotKept(str(_INSERT_MANY))


@contextmanager
def _number_and_mark(work: UnitOfWork, rows: Sequence[dict[str, Any]]) -> Iterator[None]:
    """Set the writer's next numbers and the MACs of entries. If the block or the transaction fails,
    the numbers are void."""
    ring = keyring.current_keyring(work)
    writer = ring.get_entry_writer()
    taken = writer.reserve_numbers(len(rows))
    try:
        for number, row in enumerate(rows, taken.first):
            row["writer"], row["number"], row["void"] = writer.id, number, None
            if number == taken.first and taken.void:
                row["void"] = str(taken.void)
            row["mark"] = ring.mac_for_purpose(AUDIT_WRITER, encode_entry_for_mac(row))
        yield
    except BaseException:
        taken(False)
        raise
    transaction_outcomes.call_on_transaction_end(work.connection(), taken)


def _audit_entry_row(
    actor: Actor,
    action: AuditAct,
    now: datetime,
    customer_id: UUID | None,
    callback_id: UUID | None,
    purpose: str,
    detail: str,
) -> dict[str, Any]:
    return {
        "at": now,
        "actor": actor.kind,
        "staff_id": actor.staff_id,
        "action": str(action),
        "customer_id": customer_id,
        "callback_id": callback_id,
        "purpose": purpose,
        "detail": detail,
    }
