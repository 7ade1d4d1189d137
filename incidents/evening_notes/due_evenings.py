"""Determines when a staff member's evening is due: half an hour after their working hours, on their
own clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlmodel import Session, col, select

from incidents.access.justification import BOOKED_AFTER
from incidents.evening_notes.models import EveningProgress
from people.models import Staff
from scheduling.models import DatedHours, WorkingHours

#: Used for days without working hours.
DEFAULT_END_MINUTE = 18 * 60


@dataclass(frozen=True)
class DueEvening:
    """A staff member's due evening, of the day ``on``. Accesses before ``until`` (an instant) have
    had time for a booking to follow."""

    staff_id: UUID
    on: date
    until: datetime


def find_due_evenings(session: Session, now: datetime) -> Iterator[DueEvening]:
    """Yield the latest due evening of every active staff member, unless it has been processed."""
    weekly = _weekly_end_minutes(session)
    dated = _dated_end_minutes(session, now)
    progress_rows = session.exec(select(EveningProgress)).all()
    seen = {progress.staff_id: progress.on for progress in progress_rows}
    rows = session.exec(select(Staff.id, Staff.timezone).where(col(Staff.active).is_(True)))
    for staff_id, zone in rows.all():
        today = now.astimezone(ZoneInfo(zone)).date()
        for on in (today, today - timedelta(days=1)):
            ends = (
                dated.get((staff_id, on), weekly.get((staff_id, on.weekday()), 0))
                or DEFAULT_END_MINUTE
            )
            until = _end_of_workday(on, ends, ZoneInfo(zone))
            if until + BOOKED_AFTER <= now:
                if staff_id not in seen or seen[staff_id] < on:
                    yield DueEvening(staff_id, on, until)
                break


def _end_of_workday(on: date, minute: int, zone: ZoneInfo) -> datetime:
    """Return the end of a working day in local wall time, also across a change of clocks."""
    return datetime.combine(on, time(0), zone) + timedelta(minutes=minute)


def _weekly_end_minutes(session: Session) -> dict[tuple[UUID, int], int]:
    """Return the last working minute by staff member and weekday."""
    ends = func.max(WorkingHours.to_minute)
    rows = session.exec(
        select(col(WorkingHours.staff_id), col(WorkingHours.weekday), ends).group_by(
            col(WorkingHours.staff_id), col(WorkingHours.weekday)
        )
    )
    return {(staff_id, day): end for staff_id, day, end in rows}


def _dated_end_minutes(session: Session, now: datetime) -> dict[tuple[UUID, date], int]:
    """Return the same for single days around now; 0 for a day off."""
    near = now.date() - timedelta(days=2), now.date() + timedelta(days=2)
    rows = session.exec(
        select(col(DatedHours.staff_id), col(DatedHours.on), func.max(DatedHours.to_minute))
        .where(col(DatedHours.on).between(*near))
        .group_by(col(DatedHours.staff_id), col(DatedHours.on))
    )
    return {(staff_id, on): end for staff_id, on, end in rows}
