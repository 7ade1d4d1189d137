"""Loads agents' availability from the database as plain values, for many agents at once."""

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
from scheduling.availability.slots import SlotRules
from scheduling.calendars import public_holidays
from scheduling.calendars.intervals import MinuteRanges
from scheduling.models import DatedHours, TimeOff, WorkingHours
from scheduling.policy import Policy


@dataclass(frozen=True)
class Callee:
    """The person to be called: ``zone`` is an IANA name, ``id`` the customer's if known."""

    zone: str
    id: UUID | None = None


@dataclass(frozen=True)
class AgentAvailability:
    """An agent's slot rules, and the agent's team if there is one.

    Agents with the same working pattern share one ``rules`` object.
    """

    rules: SlotRules
    team: Team | None


def load_availability(
    session: Session,
    agents: Collection[UUID],
    callee: Callee,
    policy: Policy,
    first: date,
    last: date,
) -> dict[UUID, AgentAvailability]:
    """Return each agent's availability from ``first`` to ``last``, for that callee."""
    weekly, dated = _weekly_hours(session, agents), _hours_by_date(session, agents, first, last)
    away = _days_away(session, agents, first, last)
    teams = _teams_by_agent(session, agents)
    years = range(first.year, last.year + 1)
    rules_by_key: dict[Hashable, SlotRules] = {}
    keys = _HoursKeys()
    availability: dict[UUID, AgentAvailability] = {}
    zones = session.exec(select(Staff.id, Staff.timezone).where(col(Staff.id).in_(agents)))
    for agent, zone in zones:
        team = teams.get(agent)
        own = weekly.get(agent, _NO_HOURS), dated.get(agent, _NO_HOURS), away[agent]
        key = (zone, keys(own[0]), keys(own[1]), own[2], team.id if team else None)
        if key not in rules_by_key:
            rules_by_key[key] = _build_slot_rules(zone, *own, team, years, callee, policy)
        availability[agent] = AgentAvailability(rules_by_key[key], team)
    return availability


HoursByDay = Mapping[Any, MinuteRanges]


def _weekly_hours(session: Session, agents: Collection[UUID]) -> dict[UUID, HoursByDay]:
    weekday = cast(col(WorkingHours.weekday), String)
    return _parse_packed_hours(session, _select_packed_hours(WorkingHours, weekday, agents), int)


def _hours_by_date(
    session: Session, agents: Collection[UUID], first: date, last: date
) -> dict[UUID, HoursByDay]:
    on = cast(col(DatedHours.on), String)
    statement = _select_packed_hours(DatedHours, on, agents).where(
        col(DatedHours.on) >= first, col(DatedHours.on) <= last
    )
    return _parse_packed_hours(session, statement, date.fromisoformat)


def _select_packed_hours(table: Any, day: ColumnElement[str], agents: Collection[UUID]) -> Any:
    """Select one row per agent, like ``0 540 780,0 825 1065``: many rows are slower to fetch."""
    parts = [day, cast(table.from_minute, String), cast(table.to_minute, String)]
    row = parts[0] + " " + parts[1] + " " + parts[2]
    return (
        select(table.staff_id, func.aggregate_strings(row, ","))
        .where(col(table.staff_id).in_(agents))
        .group_by(table.staff_id)
    )


def _parse_packed_hours(
    session: Session, statement: Any, day: Callable[[str], Any]
) -> dict[UUID, HoursByDay]:
    """Parse packed hours; each distinct text only once, because most agents share a few weeks."""
    known: dict[str, HoursByDay] = {}
    hours_by_agent: dict[UUID, HoursByDay] = {}
    for agent, text in session.exec(statement):
        if text not in known:
            known[text] = _parse_packed_days(text, day)
        hours_by_agent[agent] = known[text]
    return hours_by_agent


def _parse_packed_days(text: str, day: Callable[[str], Any]) -> HoursByDay:
    hours_by_day: dict[Any, list[tuple[int, int]]] = {}
    for part in text.split(","):
        on, begin, end = part.split(" ")
        hours = hours_by_day.setdefault(day(on), [])
        if int(begin) < int(end):
            hours.append((int(begin), int(end)))
    return hours_by_day


_NO_HOURS: HoursByDay = {}


class _HoursKeys:
    """Converts hours into hashable keys, once per object."""

    def __init__(self) -> None:
        self._known: dict[int, Hashable] = {}

    def __call__(self, hours: HoursByDay) -> Hashable:
        if id(hours) not in self._known:
            days = ((day, tuple(sorted(spans))) for day, spans in hours.items())
            self._known[id(hours)] = tuple(sorted(days))
        return self._known[id(hours)]


def _days_away(
    session: Session, agents: Collection[UUID], first: date, last: date
) -> dict[UUID, frozenset[date]]:
    days_by_agent: dict[UUID, frozenset[date]] = defaultdict(frozenset)
    rows = session.exec(
        select(col(TimeOff.staff_id), col(TimeOff.first_on), col(TimeOff.last_on)).where(
            col(TimeOff.staff_id).in_(agents),
            col(TimeOff.first_on) <= last,
            col(TimeOff.last_on) >= first,
        )
    )
    for agent, begin, end in rows:
        days_by_agent[agent] |= set(_date_range(max(begin, first), min(end, last)))
    return days_by_agent


def _date_range(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def _teams_by_agent(session: Session, agents: Collection[UUID]) -> dict[UUID, Team]:
    rows = session.exec(
        select(Membership.staff_id, Team).where(
            col(Membership.staff_id).in_(agents), col(Membership.team_id) == col(Team.id)
        )
    )
    return dict(rows.all())


def _build_slot_rules(
    zone: str,
    weekly: HoursByDay,
    dated: HoursByDay,
    away: frozenset[date],
    team: Team | None,
    years: Iterable[int],
    callee: Callee,
    policy: Policy,
) -> SlotRules:
    place = team.holidays if team is not None else policy.holidays
    return SlotRules(
        hours=weekly,
        agent_zone=phone_numbers.parse_time_zone(zone),
        customer_zone=phone_numbers.parse_time_zone(callee.zone),
        decent=policy.calling_hours_in(callee.zone),
        dated=dated,
        holidays=public_holidays.holidays_in_years(place, years),
        off=away,
        before=team.buffer_before if team is not None else policy.buffer_before,
        after=team.buffer_after if team is not None else policy.buffer_after,
    )
