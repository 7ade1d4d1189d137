"""Selects the audit entries that their customer may see, in pages.

What investigators do within a case is shown once the case is closed, so that nobody is warned.
Investigators are shown by role only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, or_, select

from incidents.access.justification import BOOKED_AFTER, access_from_entry, find_justifications
from incidents.cases.models import Case, CaseState
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.models import AuditEntry

PAGE_SIZE = 300
VIEW_ACT = AuditAct.OPENINGS_READ
_VISIBLE_ACTORS = ("staff", "operator")


def load_entry_page(
    session: Session, customer_id: UUID, zone: tzinfo, before: int | None
) -> tuple[list[AuditEntry], int | None]:
    """Return what others did with the record, newest first, in whole days on the customer's clock;
    and the id below which the next page begins, or ``None``."""
    statement = (
        select(AuditEntry)
        .where(
            col(AuditEntry.customer_id) == customer_id, col(AuditEntry.actor).in_(_VISIBLE_ACTORS)
        )
        .order_by(col(AuditEntry.id).desc())
        .limit(PAGE_SIZE + 1)
    )
    if before is not None:
        statement = statement.where(col(AuditEntry.id) < before)
    rows = list(session.exec(statement))
    following = None
    if len(rows) > PAGE_SIZE:
        rows = _trim_to_whole_days(rows[:PAGE_SIZE], zone)
        following = rows[-1].id
    return _shown_to_customer(session, rows), following


def _trim_to_whole_days(rows: list[AuditEntry], zone: tzinfo) -> list[AuditEntry]:
    """Drop the last day, which may continue on the next page, unless all rows are of one day."""
    last = rows[-1].at.astimezone(zone).date()
    return [row for row in rows if row.at.astimezone(zone).date() != last] or rows


def _shown_to_customer(session: Session, rows: Sequence[AuditEntry]) -> list[AuditEntry]:
    purposes = {row.purpose for row in rows if row.purpose}
    known = select(Case.reference, Case.state).where(col(Case.reference).in_(purposes))
    states = dict(session.exec(known).all()) if purposes else {}
    return [row for row in rows if states.get(row.purpose, CaseState.CLOSED) == CaseState.CLOSED]


def find_case_entries(session: Session, rows: Sequence[AuditEntry]) -> set[int]:
    """Return the ids of entries that were made for a case."""
    purposes = {row.purpose for row in rows if row.purpose}
    known = set(session.exec(select(Case.reference).where(col(Case.reference).in_(purposes))))
    return {row.id or 0 for row in rows if row.purpose in known}


def find_unjustified_entries(
    session: Session, rows: Sequence[AuditEntry], now: datetime
) -> set[int]:
    """Return the ids of unjustified entries, once it is too late for a booking to follow.

    Investigators' entries for a case, or for the customer's own report, are not included.
    """
    due = [row for row in rows if row.at + BOOKED_AFTER <= now]
    accesses = [access for row in due if (access := access_from_entry(row))]
    for_cases = find_case_entries(session, due)
    known = find_justifications(session, accesses, now)
    return {access.entry_id for access in accesses} - known.keys() - for_cases


def count_software_accesses(
    session: Session, customer_id: UUID, before: int | None, down_to: int | None
) -> int:
    """Count how often our own software opened the record, between the ids of a page."""
    statement = select(func.count()).where(
        col(AuditEntry.customer_id) == customer_id,
        col(AuditEntry.actor) == audit_log.SYSTEM.kind,
        col(AuditEntry.purpose) != "",
        or_(col(AuditEntry.action).like("customer.%"), col(AuditEntry.action).like("text.%")),
    )
    if before is not None:
        statement = statement.where(col(AuditEntry.id) < before)
    if down_to is not None:
        statement = statement.where(col(AuditEntry.id) >= down_to)
    return session.exec(statement).one()


def record_history_view(session: Session, customer_id: UUID, now: datetime) -> None:
    """Record in the audit log that the customer viewed their access history."""
    audit_log.record_act(
        session, audit_log.CUSTOMER, VIEW_ACT, now, customer_id=customer_id, purpose="own page"
    )


def find_visible_entry(session: Session, customer_id: UUID, entry_id: int) -> AuditEntry | None:
    """Return an entry that the customer may see; ``None`` for any other, whether or not it
    exists."""
    row = session.get(AuditEntry, entry_id)
    mine = row is not None and row.customer_id == customer_id and row.actor in _VISIBLE_ACTORS
    return (
        next(iter(_shown_to_customer(session, [row])), None) if row is not None and mine else None
    )


def list_related_entries(
    session: Session, entry: AuditEntry, since: datetime, until: datetime
) -> list[AuditEntry]:
    """Return what the same person did with the record for the same call between two instants, up to
    this entry, newest first."""
    rows = session.exec(
        select(AuditEntry)
        .where(
            col(AuditEntry.customer_id) == entry.customer_id,
            col(AuditEntry.id) <= entry.id,
            col(AuditEntry.at) >= since,
            col(AuditEntry.at) < until,
            col(AuditEntry.actor) == entry.actor,
            col(AuditEntry.staff_id).is_not_distinct_from(entry.staff_id),
            col(AuditEntry.callback_id).is_not_distinct_from(entry.callback_id),
        )
        .order_by(col(AuditEntry.id).desc())
    )
    return _shown_to_customer(session, rows.all())
