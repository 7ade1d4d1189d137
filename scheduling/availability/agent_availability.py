"""What stands in the store of when agents work, as plain values, for any number of them at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, String, cast, func
from sqlmodel import Session, col, select

from people import phone_numbers
from people.models import Membership, Staff, Team
from scheduling.availability.slots import Rules
from scheduling.calendars import public_holidays
from scheduling.calendars.intervals import Hours
from scheduling.models import DatedHours, TimeOff, WorkingHours
from scheduling.policy import Policy


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
    keys = _Keys()
    found: dict[UUID, Availability] = {}
    zones = session.exec(select(Staff.id, Staff.timezone).where(col(Staff.id).in_(agents)))
    for agent, zone in zones:
        team = teams.get(agent)
        own = weekly.get(agent, _NEVER), dated.get(agent, _NEVER), away[agent]
        key = (zone, keys(own[0]), keys(own[1]), own[2], team.id if team else None)
        if key not in made:
            made[key] = _rules(zone, *own, team, years, callee, policy)
        found[agent] = Availability(made[key], team)
    return found


Days = Mapping[Any, Hours]


def _weekly(session: Session, agents: Collection[UUID]) -> dict[UUID, Days]:
    weekday = cast(col(WorkingHours.weekday), String)
    return _read(session, _written(WorkingHours, weekday, agents), int)


def _dated(session: Session, agents: Collection[UUID], first: date, last: date) -> dict[UUID, Days]:
    on = cast(col(DatedHours.on), String)
    statement = _written(DatedHours, on, agents).where(
        col(DatedHours.on) >= first, col(DatedHours.on) <= last
    )
    return _read(session, statement, date.fromisoformat)


def _written(table: Any, day: ColumnElement[str], agents: Collection[UUID]) -> Any:
    """Hours in a row an agent, like ``0 540 780,0 825 1065``: rows take longer to fetch."""
    parts = [day, cast(table.from_minute, String), cast(table.to_minute, String)]
    row = parts[0] + " " + parts[1] + " " + parts[2]
    return (
        select(table.staff_id, func.aggregate_strings(row, ","))
        .where(col(table.staff_id).in_(agents))
        .group_by(table.staff_id)
    )


def _read(session: Session, statement: Any, day: Callable[[str], Any]) -> dict[UUID, Days]:
    """Most agents have one of a few weeks: each is read once."""
    known: dict[str, Days] = {}
    found: dict[UUID, Days] = {}
    for agent, text in session.exec(statement):
        if text not in known:
            known[text] = _days_of(text, day)
        found[agent] = known[text]
    return found


def _days_of(text: str, day: Callable[[str], Any]) -> Days:
    found: dict[Any, list[tuple[int, int]]] = {}
    for part in text.split(","):
        on, begin, end = part.split(" ")
        hours = found.setdefault(day(on), [])
        if int(begin) < int(end):
            hours.append((int(begin), int(end)))
    return found


_NEVER: Days = {}


class _Keys:
    """Hours as something that can be compared and kept, made once for each of them."""

    def __init__(self) -> None:
        self._known: dict[int, Hashable] = {}

    def __call__(self, hours: Days) -> Hashable:
        if id(hours) not in self._known:
            days = ((day, tuple(sorted(spans))) for day, spans in hours.items())
            self._known[id(hours)] = tuple(sorted(days))
        return self._known[id(hours)]


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
        agent_zone=phone_numbers.zone(zone),
        customer_zone=phone_numbers.zone(callee.zone),
        decent=policy.decent_in(callee.zone),
        dated=dated,
        holidays=public_holidays.of(place, years),
        off=away,
        before=team.buffer_before if team is not None else policy.buffer_before,
        after=team.buffer_after if team is not None else policy.buffer_after,
    )
