"""The audit log as an investigator reads it. Reading it is an entry too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, select

from incidents.cases.models import Case
from incidents.cases.visibility import entries_for, not_named
from people.customers import access_budgets
from people.errors import NotAllowed
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.models import AuditEntry

PAGE = 50
#: So many entries at the most are counted for a picture; of more, the latest.
PICTURED = 20_000
_ABOUT = timedelta(hours=1)


@dataclass(frozen=True)
class Filter:
    """Which entries: of one person, of some actions, about one customer, in a time from ``since``
    until before ``until``, for one purpose (a case's reference, or fixed words)."""

    person: UUID | None = None
    actions: Sequence[str] = ()
    customer: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    purpose: str = ""

    @property
    def narrows(self) -> bool:
        """Whether it leaves anything out."""
        return self != Filter()


@dataclass(frozen=True)
class Found:
    """A page of entries, newest first, and the id below which the next begins, if there is one."""

    entries: Sequence[AuditEntry]
    following: int | None


def page(
    session: Session,
    reader: UUID,
    wanted: Filter,
    now: datetime,
    *,
    before: int | None = None,
    purpose: str = "oversight",
) -> Found:
    """The latest entries, as they were before this reading, but for what the reader may not see
    (rule I5). Raises ``NotAllowed`` for one's own: nobody investigates themself; or ``BudgetSpent``
    for too many purposes that there are none of."""
    if wanted.person == reader:
        raise NotAllowed("This is about yourself. A colleague can look at it.")
    statement = select(AuditEntry).where(*_conditions(session, reader, wanted))
    if before is not None:
        statement = statement.where(col(AuditEntry.id) < before)
    rows = session.exec(statement.order_by(col(AuditEntry.id).desc()).limit(PAGE + 1)).all()
    under_it = _looked_up(session, reader, wanted.purpose, bool(rows), now)
    _record(session, reader, replace(wanted, purpose=under_it), purpose, now)
    return Found(rows[:PAGE], rows[PAGE - 1].id if len(rows) > PAGE else None)


def _conditions(session: Session, reader: UUID, wanted: Filter) -> list[ColumnElement[bool]]:
    found = [entries_for(session, reader)]
    if wanted.person is not None:
        found.append(col(AuditEntry.staff_id) == wanted.person)
    if wanted.customer is not None:
        found.append(col(AuditEntry.customer_id) == wanted.customer)
    if wanted.actions:
        found.append(col(AuditEntry.action).in_(wanted.actions))
    if wanted.purpose:
        found += under(session, wanted.purpose, not_named(reader))
    if wanted.since is not None:
        found.append(col(AuditEntry.at) >= wanted.since)
        found.append(col(AuditEntry.id) >= _first(session, wanted.since - _ABOUT))
    if wanted.until is not None:
        found.append(col(AuditEntry.at) < wanted.until)
        found.append(col(AuditEntry.id) <= _first(session, wanted.until + _ABOUT))
    return found


def under(session: Session, purpose: str, *seen: ColumnElement[bool]) -> list[ColumnElement[bool]]:
    """Entries for one purpose; for a case, of those ``seen``, of its own time alone, since purposes
    have no index."""
    opened = select(Case.opened_at).where(col(Case.reference) == purpose, *seen)
    at = session.exec(opened).first()
    found = [col(AuditEntry.purpose) == purpose]
    return [*found, col(AuditEntry.id) >= _first(session, at - _ABOUT)] if at else found


def _first(session: Session, at: datetime) -> int:
    """The id of the first entry from an instant on, or one above all. Ids rise with time, but for
    acts that went on at once; times have no index of their own."""
    low, high = 1, (session.exec(select(func.max(AuditEntry.id))).one() or 0) + 1
    while low < high:
        middle = (low + high) // 2
        found = session.exec(
            select(AuditEntry.id, AuditEntry.at)
            .where(col(AuditEntry.id) >= middle)
            .order_by(col(AuditEntry.id))
            .limit(1)
        ).first()
        if found is None or found[1] >= at:
            high = middle
        else:
            low = (found[0] or middle) + 1
    return low


def _looked_up(session: Session, reader: UUID, purpose: str, found: bool, now: datetime) -> str:
    """How the log records a purpose that somebody searched for. A purpose that an entry has is
    recorded unchanged. Any other text is recorded as a keyed fingerprint and counted."""
    if not purpose or found:
        return purpose
    return access_budgets.ask_for_unknown(session, reader, f"purpose {purpose}", now)


def _record(session: Session, reader: UUID, wanted: Filter, purpose: str, now: datetime) -> None:
    whom = f"of {wanted.person}" if wanted.person else ""
    detail = " ".join(filter(None, (whom, " ".join(wanted.actions[:3]), wanted.purpose)))[:200]
    audit_log.record(
        session,
        audit_log.staff(reader),
        AuditAct.AUDIT_READ,
        now,
        customer_id=wanted.customer,
        purpose=purpose,
        detail=detail,
    )


def counted(
    session: Session, reader: UUID, wanted: Filter, bin_of: Callable[[datetime], int]
) -> Counter[int]:
    """How many of the entries fall into each part of a picture."""
    times = session.exec(
        select(AuditEntry.at)
        .where(*_conditions(session, reader, wanted))
        .order_by(col(AuditEntry.id).desc())
        .limit(PICTURED)
    )
    return Counter(bin_of(at) for at in times)
