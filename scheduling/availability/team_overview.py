"""A team as its supervisor sees it: who has how many callbacks today, and whose hours are which.
No customer in it."""

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
from scheduling.models import Callback
from scheduling.states import CallbackState

_NOT_COUNTED = (CallbackState.CANCELLED, CallbackState.REFUSED)


@dataclass(frozen=True)
class TeamMember:
    """An agent. ``name`` is the first name; ``today`` counts callbacks on the agent's own day."""

    id: UUID
    name: str
    timezone: str
    today: int
    week: working_hours.WeeklyHours


def list_team_agents(
    session: Session, now: datetime, also: Collection[UUID] = ()
) -> list[TeamMember]:
    """The agents at work here, and ``also`` these, by name."""
    shown = or_(col(Staff.active).is_(True), col(Staff.id).in_(also))
    found = session.exec(select(Staff).where(col(Staff.role) == Role.AGENT, shown)).all()
    counts: dict[UUID, int] = {}
    for zone in {item.timezone for item in found}:
        counts |= _count_callbacks_today(session, zone, now)
    members = [
        TeamMember(
            id=item.id,
            name=first_name(staff_records.open_staff_name(session, item.id, item.name)),
            timezone=item.timezone,
            today=counts.get(item.id, 0),
            week=working_hours.load_working_hours(session, item.id),
        )
        for item in found
    ]
    return sorted(members, key=lambda member: (member.name.casefold(), member.id))


def _count_callbacks_today(session: Session, zone_name: str, now: datetime) -> dict[UUID, int]:
    """How many callbacks each agent of a zone has on that zone's day."""
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
    """Agents whose access is suspended, by first name, and how many callbacks to come they hold:
    somebody else must make these."""
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
        (each.id, first_name(staff_records.open_staff_name(session, each.id, each.name)), count)
        for each, count in rows
    ]


def lock_agent(session: Session, staff_id: UUID) -> Staff:
    """An agent at work here, or suspended, locked, so that two supervisors set hours in turn.

    Raises ``NotFound``.
    """
    found = session.exec(
        select(Staff)
        .where(
            col(Staff.id) == staff_id,
            col(Staff.role) == Role.AGENT,
            or_(col(Staff.active).is_(True), col(Staff.suspended_at).is_not(None)),
        )
        .with_for_update(key_share=True)
    ).first()
    if found is None:
        raise NotFound("There is no such agent.")
    return found
