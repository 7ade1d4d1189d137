"""What stands in the store of when agents work, as plain values, for any number of them at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from people import phones
from people.models import Membership, Staff, Team
from scheduling import holidays
from scheduling.models import DatedHours, TimeOff, WorkingHours
from scheduling.policy import Policy
from scheduling.slots import Rules


@dataclass(frozen=True)
class Callee:
    """Who is to be called: their ``zone`` (IANA), and who they are where that is known."""

    zone: str
    id: UUID | None = None


@dataclass(frozen=True)
class Availability:
    """An agent's rules, and their team where it shares out its seats. Agents of the same habits
    share one ``rules`` object."""

    rules: Rules
    team: Team | None


def of(
    session: Session,
    agents: Collection[UUID],
    callee: Callee,
    policy: Policy,
    first: date,
    last: date,
) -> dict[UUID, Availability]:
    """When each of the agents works from the ``first`` day to the ``last``, for that callee."""
    weekly, dated = _weekly(session, agents), _dated(session, agents, first, last)
    away = _away(session, agents, first, last)
    teams = _teams(session, agents)
    years = range(first.year, last.year + 1)
    made: dict[Hashable, Rules] = {}
    found: dict[UUID, Availability] = {}
    zones = session.exec(select(Staff.id, Staff.timezone).where(col(Staff.id).in_(agents)))
    for agent, zone in zones:
        team = teams.get(agent)
        own = weekly[agent], dated[agent], away[agent]
        key = (zone, _key(own[0]), _key(own[1]), own[2], team.id if team else None)
        if key not in made:
            made[key] = _rules(zone, *own, team, years, callee, policy)
        found[agent] = Availability(made[key], team)
    return found


Days = dict[Any, list[tuple[int, int]]]


def _weekly(session: Session, agents: Collection[UUID]) -> dict[UUID, Days]:
    return _grouped(
        session.exec(
            select(
                WorkingHours.staff_id,
                WorkingHours.weekday,
                WorkingHours.from_minute,
                WorkingHours.to_minute,
            ).where(col(WorkingHours.staff_id).in_(agents))
        )
    )


def _dated(session: Session, agents: Collection[UUID], first: date, last: date) -> dict[UUID, Days]:
    return _grouped(
        session.exec(
            select(
                col(DatedHours.staff_id),
                col(DatedHours.on),
                col(DatedHours.from_minute),
                col(DatedHours.to_minute),
            ).where(
                col(DatedHours.staff_id).in_(agents),
                col(DatedHours.on) >= first,
                col(DatedHours.on) <= last,
            )
        )
    )


def _grouped(rows: Iterable[tuple[UUID, Any, int, int]]) -> dict[UUID, Days]:
    """Hours by agent and day; plain rows, for a thousand agents have many."""
    found: dict[UUID, Days] = defaultdict(dict)
    for agent, on, begin, end in rows:
        hours = found[agent].setdefault(on, [])
        if begin < end:
            hours.append((begin, end))
    return found


def _key(hours: Days) -> Hashable:
    return tuple(sorted((day, tuple(sorted(spans))) for day, spans in hours.items()))


def _away(
    session: Session, agents: Collection[UUID], first: date, last: date
) -> dict[UUID, frozenset[date]]:
    found: dict[UUID, frozenset[date]] = defaultdict(frozenset)
    rows = session.exec(
        select(col(TimeOff.staff_id), col(TimeOff.first_on), col(TimeOff.last_on)).where(
            col(TimeOff.staff_id).in_(agents),
            col(TimeOff.first_on) <= last,
            col(TimeOff.last_on) >= first,
        )
    )
    for agent, begin, end in rows:
        found[agent] |= set(_days(max(begin, first), min(end, last)))
    return found


def _days(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def _teams(session: Session, agents: Collection[UUID]) -> dict[UUID, Team]:
    rows = session.exec(
        select(Membership.staff_id, Team).where(
            col(Membership.staff_id).in_(agents), col(Membership.team_id) == col(Team.id)
        )
    )
    return dict(rows.all())


def _rules(
    zone: str,
    weekly: Days,
    dated: Days,
    away: frozenset[date],
    team: Team | None,
    years: Iterable[int],
    callee: Callee,
    policy: Policy,
) -> Rules:
    place = team.holidays if team is not None else policy.holidays
    return Rules(
        hours=weekly,
        agent_zone=phones.zone(zone),
        customer_zone=phones.zone(callee.zone),
        decent=policy.decent_in(callee.zone),
        dated=dated,
        holidays=holidays.of(place, years),
        off=away,
        before=team.buffer_before if team is not None else policy.buffer_before,
        after=team.buffer_after if team is not None else policy.buffer_after,
    )
