"""Single days with hours of their own, and days off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, delete, select

from people.errors import InvalidInput, NotFound
from scheduling.calendars.intervals import DAY_MINUTES
from scheduling.models import DatedHours, TimeOff
from vault.audit import audit_log
from vault.audit.acts import AuditAct

MAX_TIME_OFF = timedelta(days=400)


def list_dated_hours(
    session: Session, staff_id: UUID, since: date
) -> dict[date, list[tuple[int, int]]]:
    """Days with hours of their own from ``since`` on; without any for a day off."""
    found: dict[date, list[tuple[int, int]]] = {}
    rows = session.exec(
        select(DatedHours).where(col(DatedHours.staff_id) == staff_id, col(DatedHours.on) >= since)
    )
    for row in rows:
        hours = found.setdefault(row.on, [])
        if row.from_minute < row.to_minute:
            hours.append((row.from_minute, row.to_minute))
    return {on: sorted(hours) for on, hours in sorted(found.items())}


def set_dated_hours(
    session: Session,
    staff_id: UUID,
    on: date,
    hours: Sequence[tuple[int, int]] | None,
    actor: audit_log.Actor,
    now: datetime,
) -> None:
    """Give a day its own hours (none: off); ``None`` as ``hours`` makes it an ordinary one.

    Raises ``InvalidInput`` for hours that end before they begin.
    """
    if any(not 0 <= begin < end <= DAY_MINUTES for begin, end in hours or ()):
        raise InvalidInput("hours", "The working hours must end later than they begin.")
    session.exec(
        delete(DatedHours).where(col(DatedHours.staff_id) == staff_id, col(DatedHours.on) == on)
    )
    if hours is not None:
        session.add_all(
            DatedHours(staff_id=staff_id, on=on, from_minute=begin, to_minute=end)
            for begin, end in hours or ((0, 0),)
        )
    session.flush()
    audit_log.record_act(session, actor, AuditAct.DAY_SET, now, detail=f"{staff_id} {on}")


def list_time_off(session: Session, staff_id: UUID, since: date) -> list[TimeOff]:
    """Times off that are not over on that day, earliest first."""
    return list(
        session.exec(
            select(TimeOff)
            .where(col(TimeOff.staff_id) == staff_id, col(TimeOff.last_on) >= since)
            .order_by(col(TimeOff.first_on), col(TimeOff.id))
        )
    )


def add_time_off(
    session: Session, staff_id: UUID, first: date, last: date, actor: audit_log.Actor, now: datetime
) -> None:
    """Give whole days off, both among them; what is booked in them stays booked until somebody
    moves it or hands it over. Raises ``InvalidInput``."""
    if not first <= last <= first + MAX_TIME_OFF:
        raise InvalidInput("last", "The last day off must not be before the first.")
    session.add(TimeOff(staff_id=staff_id, first_on=first, last_on=last))
    session.flush()
    audit_log.record_act(session, actor, AuditAct.OFF_ADD, now, detail=f"{staff_id} {first} {last}")


def cancel_time_off(
    session: Session, staff_id: UUID, row_id: UUID, actor: audit_log.Actor, now: datetime
) -> None:
    """Take a time off back. Raises ``NotFound``."""
    row = session.get(TimeOff, row_id)
    if row is None or row.staff_id != staff_id:
        raise NotFound("There is no such time off.")
    session.delete(row)
    session.flush()
    audit_log.record_act(session, actor, AuditAct.OFF_END, now, detail=f"{staff_id} {row.first_on}")
