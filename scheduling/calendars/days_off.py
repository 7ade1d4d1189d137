"""Single days with their own hours, and time off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, delete, select

from people.errors import InvalidInput, NotFound
from scheduling.calendars.intervals import DAY_MINUTES
from scheduling.error_codes import SchedulingErrorCode
from scheduling.models import DatedHours, TimeOff
from vault.audit import audit_log
from vault.audit.acts import AuditAct

MAX_TIME_OFF = timedelta(days=400)


def list_dated_hours(
    session: Session, staff_id: UUID, since: date
) -> dict[date, list[tuple[int, int]]]:
    """Return days with their own hours from ``since`` on; a day off has none."""
    hours_by_day: dict[date, list[tuple[int, int]]] = {}
    rows = session.exec(
        select(DatedHours).where(col(DatedHours.staff_id) == staff_id, col(DatedHours.on) >= since)
    )
    for row in rows:
        hours = hours_by_day.setdefault(row.on, [])
        if row.from_minute < row.to_minute:
            hours.append((row.from_minute, row.to_minute))
    return {on: sorted(hours) for on, hours in sorted(hours_by_day.items())}


def set_dated_hours(
    session: Session,
    staff_id: UUID,
    on: date,
    hours: Sequence[tuple[int, int]] | None,
    actor: audit_log.Actor,
    now: datetime,
) -> None:
    """Set a day's own hours (empty: a day off); ``None`` as ``hours`` restores the weekly hours.

    Raise ``InvalidInput`` for hours that end before they begin.
    """
    if any(not 0 <= begin < end <= DAY_MINUTES for begin, end in hours or ()):
        raise InvalidInput("hours", SchedulingErrorCode.HOURS_END_BEFORE_BEGIN)
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
    """Return time off that has not ended before ``since``, earliest first."""
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
    """Add time off from the day ``first`` to the day ``last``, both included.

    Callbacks booked on these days stay booked until they are moved or handed over. Raise
    ``InvalidInput``.
    """
    if not first <= last <= first + MAX_TIME_OFF:
        raise InvalidInput("last", SchedulingErrorCode.DAYS_OFF_END_BEFORE_BEGIN)
    session.add(TimeOff(staff_id=staff_id, first_on=first, last_on=last))
    session.flush()
    audit_log.record_act(session, actor, AuditAct.OFF_ADD, now, detail=f"{staff_id} {first} {last}")


def cancel_time_off(
    session: Session, staff_id: UUID, row_id: UUID, actor: audit_log.Actor, now: datetime
) -> None:
    """Delete a time off. Raise ``NotFound``."""
    row = session.get(TimeOff, row_id)
    if row is None or row.staff_id != staff_id:
        raise NotFound(SchedulingErrorCode.TIME_OFF_NOT_FOUND)
    session.delete(row)
    session.flush()
    audit_log.record_act(session, actor, AuditAct.OFF_END, now, detail=f"{staff_id} {row.first_on}")
