"""A supervisor's view of a team: today's callbacks and working hours by agent. No customer data."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, func, or_
from sqlmodel import Session, col, select

from people import phone_numbers
from people.errors import NotFound
from people.models import Role, Staff
from people.staff import staff_records
from people.text_input import first_name
from scheduling.calendars import local_time, working_hours
from scheduling.error_codes import SchedulingErrorCode
from scheduling.models import Callback
from scheduling.states import CallbackState

_NOT_COUNTED = (CallbackState.CANCELLED, CallbackState.REFUSED)


@dataclass(frozen=True)
class TeamMember:
    """An agent; ``name`` is the first name, ``today`` counts callbacks on the agent's local day."""

    id: UUID
    name: str
    timezone: str
    today: int
    week: working_hours.WeeklyHours


def list_team_agents(
    session: Session, now: datetime, also: Collection[UUID] = ()
) -> list[TeamMember]:
    """Return active agents, and those with the ids ``also``, by name."""
    shown = or_(col(Staff.active).is_(True), col(Staff.id).in_(also))
    staff_rows = session.exec(select(Staff).where(col(Staff.role) == Role.AGENT, shown)).all()
    counts: dict[UUID, int] = {}
    for zone in {staff.timezone for staff in staff_rows}:
        counts |= _count_callbacks_today(session, zone, now)
    members = [
        TeamMember(
            id=staff.id,
            name=first_name(staff_records.open_staff_name(session, staff.id, staff.name)),
            timezone=staff.timezone,
            today=counts.get(staff.id, 0),
            week=working_hours.load_working_hours(session, staff.id),
        )
        for staff in staff_rows
    ]
    return sorted(members, key=lambda member: (member.name.casefold(), member.id))


def _count_callbacks_today(session: Session, zone_name: str, now: datetime) -> dict[UUID, int]:
    """Return how many callbacks each agent of a zone has on that zone's current day."""
    zone = phone_numbers.parse_time_zone(zone_name)
    since, until = local_time.local_day_bounds(now.astimezone(zone).date(), zone)
    rows = session.exec(
        select(col(Callback.agent_id), func.count())
        .join(Staff, col(Staff.id) == col(Callback.agent_id))
        .where(
            col(Staff.timezone) == zone_name,
            col(Callback.starts_at) >= since,
            col(Callback.starts_at) < until,
            col(Callback.state).not_in(_NOT_COUNTED),
        )
        .group_by(col(Callback.agent_id))
    )
    return dict(rows.all())


def list_suspended_agents(session: Session, now: datetime) -> list[tuple[UUID, str, int]]:
    """Return suspended agents by first name, with the number of callbacks to be reassigned."""
    rows = session.exec(
        select(Staff, func.count(col(Callback.id)))
        .join(
            Callback,
            and_(
                col(Callback.agent_id) == col(Staff.id),
                col(Callback.state) == CallbackState.BOOKED,
                col(Callback.ends_at) > now,
            ),
            isouter=True,
        )
        .where(col(Staff.role) == Role.AGENT, col(Staff.suspended_at).is_not(None))
        .group_by(col(Staff.id))
        .order_by(col(Staff.id))
    ).all()
    return [
        (staff.id, first_name(staff_records.open_staff_name(session, staff.id, staff.name)), count)
        for staff, count in rows
    ]


def lock_agent(session: Session, staff_id: UUID) -> Staff:
    """Return an active or suspended agent, locked so that supervisors' changes do not interleave.

    Raise ``NotFound``.
    """
    agent = session.exec(
        select(Staff)
        .where(
            col(Staff.id) == staff_id,
            col(Staff.role) == Role.AGENT,
            or_(col(Staff.active).is_(True), col(Staff.suspended_at).is_not(None)),
        )
        .with_for_update(key_share=True)
    ).first()
    if agent is None:
        raise NotFound(SchedulingErrorCode.AGENT_NOT_FOUND)
    return agent
