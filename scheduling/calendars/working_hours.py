"""Weekly working hours of staff."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from people.errors import InvalidInput
from scheduling.calendars.intervals import DAY_MINUTES
from scheduling.error_codes import SchedulingErrorCode
from scheduling.models import WorkingHours
from vault.audit import audit_log
from vault.audit.acts import AuditAct

WeeklyHours = Mapping[int, Sequence[tuple[int, int]]]


def load_working_hours(session: Session, staff_id: UUID) -> dict[int, list[tuple[int, int]]]:
    """Return hours by weekday, in minutes of the day; empty for staff bookable at any hour."""
    week: dict[int, list[tuple[int, int]]] = {}
    rows = session.exec(select(WorkingHours).where(col(WorkingHours.staff_id) == staff_id))
    for row in rows:
        week.setdefault(row.weekday, []).append((row.from_minute, row.to_minute))
    return {day: sorted(hours) for day, hours in sorted(week.items())}


def replace_working_hours(
    session: Session, staff_id: UUID, week: WeeklyHours, actor: audit_log.Actor, now: datetime
) -> None:
    """Replace the weekly hours of a member of staff.

    Raise ``InvalidInput`` for hours that end before they begin.
    """
    for hours in week.values():
        for begin, end in hours:
            if not 0 <= begin < end <= DAY_MINUTES:
                raise InvalidInput("hours", SchedulingErrorCode.HOURS_END_BEFORE_BEGIN)
    for row in session.exec(select(WorkingHours).where(col(WorkingHours.staff_id) == staff_id)):
        session.delete(row)
    session.add_all(
        WorkingHours(staff_id=staff_id, weekday=day, from_minute=begin, to_minute=end)
        for day, hours in week.items()
        for begin, end in hours
    )
    session.flush()
    audit_log.record_act(session, actor, AuditAct.HOURS_SET, now, detail=str(staff_id))
