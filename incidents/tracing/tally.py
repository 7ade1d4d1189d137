"""Keeps up how many customers each member of staff has seen (a job of the worker).

The audit log is on the path of every page, so nothing is added there: the worker follows it with a
mark, and looks up for each new entry whether the same person had seen the same customer before,
along the index by customer. It goes as far as the audit log's tree says that no entry can turn up
any more; a trace counts the rest itself.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from incidents.access_reasons import READINGS
from incidents.tracing.models import AccessMark, AccessTally
from people.models import Customer
from storage import turns
from storage.upsert import insert_or
from vault.log.models import AuditState
from vault.models import AuditEntry

AT_A_TIME = 20_000  # audit entries
_TURN = b"access tally"
_ENTRY = AuditEntry.__table__  # type: ignore[attr-defined]
_TALLY = AccessTally.__table__  # type: ignore[attr-defined]
_EARLIER = _ENTRY.alias("earlier")


def keep_up(session: Session, now: datetime) -> None:
    """Count the next entries in, and once a day the customers."""
    turns.take(session, _TURN)
    mark = session.get(AccessMark, 1) or AccessMark()
    state = session.get(AuditState, 1)
    upto = min(mark.entry_id + AT_A_TIME, state.settled_id if state else 0)
    if upto > mark.entry_id:
        for (staff_id, on), count in fresh(session, mark.entry_id, upto).items():
            values = {"staff_id": staff_id, "on_date": on, "fresh": count}
            added = _TALLY.c.fresh + count
            session.connection().execute(
                insert_or(session, _TALLY, values).on_conflict_do_update(
                    index_elements=["staff_id", "on_date"], set_={"fresh": added}
                )
            )
        mark.entry_id = upto
    if mark.counted_on != now.date():
        mark.customers, mark.counted_on = counted(session), now.date()
    session.add(mark)
    session.flush()


def fresh(session: Session, after: int, upto: int | None = None) -> Counter[tuple[UUID, date]]:
    """How many customers each saw for the first time on each day, in the entries after one, up to
    another or to the last."""
    seen_before = exists().where(
        _EARLIER.c.customer_id == _ENTRY.c.customer_id,
        _EARLIER.c.staff_id == _ENTRY.c.staff_id,
        _EARLIER.c.id <= after,
        _EARLIER.c.action.in_(READINGS),
    )
    statement = (
        select_columns(_ENTRY.c.staff_id, func.min(_ENTRY.c.at))
        .where(
            _ENTRY.c.id > after,
            _ENTRY.c.action.in_(READINGS),
            _ENTRY.c.staff_id.is_not(None),
            _ENTRY.c.customer_id.is_not(None),
            ~seen_before,
        )
        .group_by(_ENTRY.c.staff_id, _ENTRY.c.customer_id)
    )
    if upto is not None:
        statement = statement.where(_ENTRY.c.id <= upto)
    rows: Any = session.connection().execute(statement)
    return Counter((staff_id, at.date()) for staff_id, at in rows)


def counted(session: Session) -> int:
    """How many customers there are, erased ones left out."""
    statement = select(func.count()).select_from(Customer).where(col(Customer.erased_at).is_(None))
    return session.exec(statement).one()
