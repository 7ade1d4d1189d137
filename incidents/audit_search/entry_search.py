"""Search of the audit log by investigators. A search is recorded as an entry too."""

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
from incidents.error_codes import IncidentErrorCode
from people.customers import access_budgets
from people.errors import NotAllowed
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.models import AuditEntry

PAGE_SIZE = 50
#: At most this many entries, the latest, are counted for a chart.
MAX_CHARTED = 20_000
_ID_TIME_TOLERANCE = timedelta(hours=1)


@dataclass(frozen=True)
class EntryFilter:
    """Filter of entries: by staff member, actions, customer, time from ``since`` until before
    ``until``, and purpose (a case's reference, or fixed words)."""

    person: UUID | None = None
    actions: Sequence[str] = ()
    customer: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    purpose: str = ""

    @property
    def narrows(self) -> bool:
        """Whether the filter leaves anything out."""
        return self != EntryFilter()


@dataclass(frozen=True)
class EntryPage:
    """A page of entries, newest first, and the id below which the next page begins, or ``None``."""

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
    """Return the latest entries, as they were before this search, without those that the reader may
    not see (rule I5).

    Raises ``NotAllowed`` for the reader's own entries: nobody investigates themselves. Raises
    ``BudgetExceeded`` after too many searches for unknown purposes.
    """
    if wanted.person == reader:
        raise NotAllowed(IncidentErrorCode.SEARCH_ABOUT_YOURSELF)
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
    conditions = [audit_entry_visible_to(session, reader)]
    if wanted.person is not None:
        conditions.append(col(AuditEntry.staff_id) == wanted.person)
    if wanted.customer is not None:
        conditions.append(col(AuditEntry.customer_id) == wanted.customer)
    if wanted.actions:
        conditions.append(col(AuditEntry.action).in_(wanted.actions))
    if wanted.purpose:
        conditions += match_purpose(session, wanted.purpose, case_visible_to(reader))
    if wanted.since is not None:
        conditions.append(col(AuditEntry.at) >= wanted.since)
        conditions.append(
            col(AuditEntry.id) >= _first_entry_id(session, wanted.since - _ID_TIME_TOLERANCE)
        )
    if wanted.until is not None:
        conditions.append(col(AuditEntry.at) < wanted.until)
        conditions.append(
            col(AuditEntry.id) <= _first_entry_id(session, wanted.until + _ID_TIME_TOLERANCE)
        )
    return conditions


def match_purpose(
    session: Session, purpose: str, *seen: ColumnElement[bool]
) -> list[ColumnElement[bool]]:
    """Conditions for entries with one purpose.

    For a case among those ``seen``, only entries since it was opened are searched, since purposes
    have no index.
    """
    opened = select(Case.opened_at).where(col(Case.reference) == purpose, *seen)
    at = session.exec(opened).first()
    conditions = [col(AuditEntry.purpose) == purpose]
    return (
        [*conditions, col(AuditEntry.id) >= _first_entry_id(session, at - _ID_TIME_TOLERANCE)]
        if at
        else conditions
    )


def _first_entry_id(session: Session, at: datetime) -> int:
    """Return the id of the first entry from an instant on, or an id above all entries.

    Ids rise with time, except among concurrent transactions; times have no index of their own.
    """
    low, high = 1, (session.exec(select(func.max(AuditEntry.id))).one() or 0) + 1
    while low < high:
        middle = (low + high) // 2
        entry = session.exec(
            select(AuditEntry.id, AuditEntry.at)
            .where(col(AuditEntry.id) >= middle)
            .order_by(col(AuditEntry.id))
            .limit(1)
        ).first()
        if entry is None or entry[1] >= at:
            high = middle
        else:
            low = (entry[0] or middle) + 1
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
    subject = f"of {wanted.person}" if wanted.person else ""
    detail = " ".join(filter(None, (subject, " ".join(wanted.actions[:3]), wanted.purpose)))[:200]
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
    """Count the matching entries by bin of a chart."""
    times = session.exec(
        select(AuditEntry.at)
        .where(*_entry_conditions(session, reader, wanted))
        .order_by(col(AuditEntry.id).desc())
        .limit(MAX_CHARTED)
    )
    return Counter(bin_of(at) for at in times)
