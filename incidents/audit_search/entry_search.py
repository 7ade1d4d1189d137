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
from incidents.cases.visibility import audit_entry_visible_to, case_visible_to
from people.customers import access_budgets
from people.errors import NotAllowed
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.models import AuditEntry

PAGE_SIZE = 50
#: So many entries at the most are counted for a picture; of more, the latest.
MAX_CHARTED = 20_000
_ID_TIME_TOLERANCE = timedelta(hours=1)


@dataclass(frozen=True)
class EntryFilter:
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
        return self != EntryFilter()


@dataclass(frozen=True)
class EntryPage:
    """A page of entries, newest first, and the id below which the next begins, if there is one."""

    entries: Sequence[AuditEntry]
    following: int | None


def search_entries(
    session: Session,
    reader: UUID,
    wanted: EntryFilter,
    now: datetime,
    *,
    before: int | None = None,
    purpose: str = "oversight",
) -> EntryPage:
    """The latest entries, as they were before this reading, but for what the reader may not see
    (rule I5). Raises ``NotAllowed`` for one's own: nobody investigates themself; or ``BudgetSpent``
    for too many purposes that there are none of."""
    if wanted.person == reader:
        raise NotAllowed("This is about yourself. A colleague can look at it.")
    statement = select(AuditEntry).where(*_entry_conditions(session, reader, wanted))
    if before is not None:
        statement = statement.where(col(AuditEntry.id) < before)
    rows = session.exec(statement.order_by(col(AuditEntry.id).desc()).limit(PAGE_SIZE + 1)).all()
    under_it = _logged_purpose(session, reader, wanted.purpose, bool(rows), now)
    _record_entry_search(session, reader, replace(wanted, purpose=under_it), purpose, now)
    return EntryPage(rows[:PAGE_SIZE], rows[PAGE_SIZE - 1].id if len(rows) > PAGE_SIZE else None)


def _entry_conditions(
    session: Session, reader: UUID, wanted: EntryFilter
) -> list[ColumnElement[bool]]:
    found = [audit_entry_visible_to(session, reader)]
    if wanted.person is not None:
        found.append(col(AuditEntry.staff_id) == wanted.person)
    if wanted.customer is not None:
        found.append(col(AuditEntry.customer_id) == wanted.customer)
    if wanted.actions:
        found.append(col(AuditEntry.action).in_(wanted.actions))
    if wanted.purpose:
        found += match_purpose(session, wanted.purpose, case_visible_to(reader))
    if wanted.since is not None:
        found.append(col(AuditEntry.at) >= wanted.since)
        found.append(
            col(AuditEntry.id) >= _first_entry_id(session, wanted.since - _ID_TIME_TOLERANCE)
        )
    if wanted.until is not None:
        found.append(col(AuditEntry.at) < wanted.until)
        found.append(
            col(AuditEntry.id) <= _first_entry_id(session, wanted.until + _ID_TIME_TOLERANCE)
        )
    return found


def match_purpose(
    session: Session, purpose: str, *seen: ColumnElement[bool]
) -> list[ColumnElement[bool]]:
    """Entries for one purpose; for a case, of those ``seen``, of its own time alone, since purposes
    have no index."""
    opened = select(Case.opened_at).where(col(Case.reference) == purpose, *seen)
    at = session.exec(opened).first()
    found = [col(AuditEntry.purpose) == purpose]
    return (
        [*found, col(AuditEntry.id) >= _first_entry_id(session, at - _ID_TIME_TOLERANCE)]
        if at
        else found
    )


def _first_entry_id(session: Session, at: datetime) -> int:
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


def _logged_purpose(
    session: Session, reader: UUID, purpose: str, found: bool, now: datetime
) -> str:
    """How the log records a purpose that somebody searched for. A purpose that an entry has is
    recorded unchanged. Any other text is recorded as a keyed fingerprint and counted."""
    if not purpose or found:
        return purpose
    return access_budgets.count_unknown_request(session, reader, f"purpose {purpose}", now)


def _record_entry_search(
    session: Session, reader: UUID, wanted: EntryFilter, purpose: str, now: datetime
) -> None:
    whom = f"of {wanted.person}" if wanted.person else ""
    detail = " ".join(filter(None, (whom, " ".join(wanted.actions[:3]), wanted.purpose)))[:200]
    audit_log.record_act(
        session,
        audit_log.staff_actor(reader),
        AuditAct.AUDIT_READ,
        now,
        customer_id=wanted.customer,
        purpose=purpose,
        detail=detail,
    )


def count_entries_by_bin(
    session: Session, reader: UUID, wanted: EntryFilter, bin_of: Callable[[datetime], int]
) -> Counter[int]:
    """How many of the entries fall into each part of a picture."""
    times = session.exec(
        select(AuditEntry.at)
        .where(*_entry_conditions(session, reader, wanted))
        .order_by(col(AuditEntry.id).desc())
        .limit(MAX_CHARTED)
    )
    return Counter(bin_of(at) for at in times)
