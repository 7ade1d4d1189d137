"""Teams: members, and settings of their calls. No customer data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, delete, select

from people.errors import InvalidInput, NotFound
from people.models import Membership, Team
from people.text_input import AllowedContent, clean_text_input
from scheduling.availability.agent_assignment import ASSIGNMENTS
from scheduling.availability.slots import MAX_BUFFER
from scheduling.calendars import public_holidays
from scheduling.error_codes import SchedulingErrorCode
from vault.audit import audit_log
from vault.audit.acts import AuditAct

NAME_LIMIT, MAX_SEATS = 60, 10_000


@dataclass(frozen=True)
class TeamSettings:
    """Settings of a team, explained at :class:`people.models.Team`."""

    name: str
    capacity: int | None = None
    buffer_before: int = 0
    buffer_after: int = 0
    holidays: str = ""
    assignment: str = ASSIGNMENTS[0]


def list_teams(session: Session) -> list[Team]:
    """Return all teams, by name."""
    teams = session.exec(select(Team)).all()
    return sorted(teams, key=lambda team: (team.name.casefold(), team.id))


def create_team(
    session: Session, habits: TeamSettings, actor: audit_log.Actor, now: datetime
) -> Team:
    """Create a team. Raise ``InvalidInput``, also when the name is already in use."""
    return _save_team(session, Team(created_at=now, name=""), habits, actor, now, AuditAct.TEAM_ADD)


def update_team(
    session: Session, team_id: UUID, habits: TeamSettings, actor: audit_log.Actor, now: datetime
) -> Team:
    """Replace a team's settings; existing bookings stay. Raise ``InvalidInput``, ``NotFound``."""
    team = session.get(Team, team_id, with_for_update={"key_share": True})
    if team is None:
        raise NotFound(SchedulingErrorCode.TEAM_NOT_FOUND)
    return _save_team(session, team, habits, actor, now, AuditAct.TEAM_CHANGE)


def _save_team(
    session: Session,
    team: Team,
    habits: TeamSettings,
    actor: audit_log.Actor,
    now: datetime,
    action: AuditAct,
) -> Team:
    name = clean_text_input(
        "name",
        habits.name,
        limit=NAME_LIMIT,
        allowed=AllowedContent.ANYTHING,
    )
    _validate_team_settings(habits)
    with session.no_autoflush:
        team.name, team.capacity = name, habits.capacity
        team.buffer_before, team.buffer_after = habits.buffer_before, habits.buffer_after
        team.holidays, team.assignment = habits.holidays, habits.assignment
    try:
        with session.begin_nested():
            session.add(team)
            session.flush()
    except IntegrityError:
        raise InvalidInput("name", SchedulingErrorCode.TEAM_NAME_TAKEN) from None
    audit_log.record_act(session, actor, action, now, detail=str(team.id))
    return team


def _validate_team_settings(habits: TeamSettings) -> None:
    if habits.capacity is not None and not 1 <= habits.capacity <= MAX_SEATS:
        raise InvalidInput("capacity", SchedulingErrorCode.CAPACITY_INVALID)
    for field in ("buffer_before", "buffer_after"):
        if not 0 <= getattr(habits, field) <= MAX_BUFFER:
            raise InvalidInput(field, SchedulingErrorCode.BUFFER_OUT_OF_RANGE, most=MAX_BUFFER)
    if habits.assignment not in ASSIGNMENTS:
        raise InvalidInput("assignment", SchedulingErrorCode.ASSIGNMENT_UNKNOWN)
    public_holidays.require_known_region(habits.holidays)


def team_id_of_agent(session: Session, staff_id: UUID) -> UUID | None:
    """Return the id of an agent's team, or ``None``."""
    membership = session.get(Membership, staff_id)
    return membership.team_id if membership else None


def assign_to_team(
    session: Session, staff_id: UUID, team_id: UUID | None, actor: audit_log.Actor, now: datetime
) -> None:
    """Put an agent into a team, or into none. Raise ``InvalidInput`` for an unknown team."""
    if team_id is not None and session.get(Team, team_id) is None:
        raise InvalidInput("team", SchedulingErrorCode.TEAM_UNKNOWN)
    session.exec(delete(Membership).where(col(Membership.staff_id) == staff_id))
    if team_id is not None:
        session.add(Membership(staff_id=staff_id, team_id=team_id))
    session.flush()
    audit_log.record_act(
        session, actor, AuditAct.TEAM_PUT, now, detail=f"{staff_id} {team_id or 'none'}"
    )


def list_teammate_ids(session: Session, staff_id: UUID) -> set[UUID] | None:
    """Return the ids of an agent's team; ``None`` without a team, which means all agents."""
    team = team_id_of_agent(session, staff_id)
    if team is None:
        return None
    rows = session.exec(select(Membership.staff_id).where(col(Membership.team_id) == team))
    return set(rows)
