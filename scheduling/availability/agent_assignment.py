"""Calls that any of several agents can make: who could, when one is free, whose turn it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, exists, or_, select

from people.errors import InvalidInput
from people.models import Customer, Membership, Role, Staff, Team
from scheduling.availability import reservations, slot_search, slots
from scheduling.availability.agent_availability import Availability, Callee
from scheduling.availability.slot_search import Instants
from scheduling.availability.slots import Grid
from scheduling.booking import bookings
from scheduling.booking.bookings import Wish
from scheduling.errors import SlotTaken
from scheduling.models import Callback, Skill
from scheduling.policy import Policy
from vault.audit import audit_log

LANGUAGE, PRODUCT = "language", "product"
LEAST_BUSY, ROUND_ROBIN = "least_busy", "round_robin"
ASSIGNMENTS = (LEAST_BUSY, ROUND_ROBIN)
_AT_A_TIME = 64
_HALF_DAY = timedelta(hours=12)


@dataclass(frozen=True)
class Need:
    """Who can make a call: somebody of a team, who speaks a language, who knows a product; empty
    for anybody. Agents without any skill of a kind noted down are taken to have them all."""

    team_id: UUID | None = None
    language: str = ""
    product: str = ""


def candidates(session: Session, need: Need) -> list[UUID]:
    """The agents at work here who can make such a call."""
    statement = select(Staff.id).where(
        col(Staff.role) == Role.AGENT, col(Staff.active).is_(True), *_skilled(need)
    )
    if need.team_id is not None:
        members = select(Membership.staff_id).where(col(Membership.team_id) == need.team_id)
        statement = statement.where(col(Staff.id).in_(members))
    return list(session.exec(statement))


def _skilled(need: Need) -> Iterator[Any]:
    for kind, value in ((LANGUAGE, need.language), (PRODUCT, need.product)):
        if value:
            noted = (col(Skill.staff_id) == col(Staff.id)) & (col(Skill.kind) == kind)
            known = exists().where(noted, col(Skill.value) == value)
            yield or_(~exists().where(noted), known)


def free_slots(
    session: Session,
    need: Need,
    callee: Callee,
    span: Instants,
    minutes: int,
    policy: Policy,
    now: datetime,
    limit: int = 500,
    but: UUID | None = None,
) -> list[datetime]:
    """Starts between two instants at which at least one of the agents is free."""
    slot_search.require_length(minutes)
    span = slot_search.allowed(span, policy, now)
    agents = candidates(session, need) if span[0] < span[1] else []
    if not agents:
        return []
    grid = Grid(*span, minutes)
    habits = slot_search.rules_for(session, agents, callee, policy, span)
    starts = _Starts(session, grid, habits, callee, but).free()
    return list(islice(grid.instants(starts), limit))


class _Starts:
    """Looks for starts at which anybody is free.

    Agents are looked at a few at a time, and only for the starts that nobody before them can do:
    most of a thousand need not be looked at.
    """

    def __init__(
        self,
        session: Session,
        grid: Grid,
        habits: Mapping[UUID, Availability],
        callee: Callee,
        but: UUID | None,
    ) -> None:
        self._session, self._grid, self._habits, self._but = session, grid, habits, but
        teams = {each.team.id: each.team for each in habits.values() if each.team}
        full = reservations.full(session, teams.values(), grid.within, but)
        self._full = {team: grid.bits(steps) for team, steps in full.items()}
        self._callee = 0
        if callee.id is not None:
            steps = reservations.of(session, [callee.id], grid.within, but).get(callee.id, [])
            self._callee = grid.bits(steps)
        self._possible: dict[int, int] = {}

    def free(self) -> int:
        agents = list(self._habits)
        left, found = 0, 0
        for agent in agents:
            left |= self._could(agent)
        for k in range(0, len(agents), _AT_A_TIME):
            if not left:
                break
            for starts in self._free_of(agents[k : k + _AT_A_TIME], left):
                found |= starts
            left &= ~found
        return found

    def _could(self, agent: UUID) -> int:
        """Starts in the agent's hours that suit customer and team; the same for all of the same
        habits, who share their rules."""
        habit, grid = self._habits[agent], self._grid
        if id(habit.rules) not in self._possible:
            starts = grid.starts(slots.possible(habit.rules, grid.span))
            others = self._callee | (self._full.get(habit.team.id, 0) if habit.team else 0)
            self._possible[id(habit.rules)] = grid.clear_of(starts, others)
        return self._possible[id(habit.rules)]

    def _free_of(self, agents: Sequence[UUID], left: int) -> Iterator[int]:
        grid = self._grid
        busy = reservations.of(self._session, agents, grid.around(left), self._but)
        for agent in agents:
            rules = self._habits[agent].rules
            starts, steps = self._could(agent) & left, grid.bits(busy.get(agent, ()))
            yield grid.clear_of(starts, steps, rules.before, rules.after)


def able(
    session: Session,
    need: Need,
    callee: Callee,
    starts_at: datetime,
    minutes: int,
    policy: Policy,
    but: UUID | None = None,
) -> list[UUID]:
    """The agents who are free for this very call, whose turn it is first."""
    agents = candidates(session, need)
    span = (starts_at, starts_at + timedelta(minutes=minutes))
    habits = slot_search.rules_for(session, agents, callee, policy, span)
    free = slot_search.free_of(session, habits, callee, starts_at, minutes, but)
    return _in_turn(session, need, free, starts_at)


def _in_turn(
    session: Session, need: Need, agents: Sequence[UUID], starts_at: datetime
) -> list[UUID]:
    team = session.get(Team, need.team_id) if need.team_id else None
    if team is not None and team.assignment == ROUND_ROBIN:
        rows = session.exec(
            select(Callback.agent_id, func.max(Callback.booked_at))
            .where(col(Callback.agent_id).in_(agents))
            .group_by(col(Callback.agent_id))
        )
        last = {agent: at.timestamp() for agent, at in rows}
        return sorted(agents, key=lambda agent: (last.get(agent, 0.0), agent))
    day = slots.steps(starts_at - _HALF_DAY, int(2 * _HALF_DAY.total_seconds()) // 60)
    busy = reservations.of(session, agents, day)
    return sorted(agents, key=lambda agent: (len(busy.get(agent, ())), agent))


def book(
    session: Session,
    customer: Customer,
    need: Need,
    wish: Wish,
    policy: Policy,
    now: datetime,
    by: audit_log.Actor,
) -> Callback:
    """Book with whoever's turn it is. Raises as :func:`booking.book`; the free slots of its
    ``SlotTaken`` are anybody's."""
    callee = Callee(customer.timezone, customer.id)
    slot_search.require_length(wish.minutes)
    slot_search.require_time(wish.starts_at, now, policy)
    for agent in able(session, need, callee, wish.starts_at, wish.minutes, policy):
        try:
            with session.begin_nested():
                return bookings.book(session, customer, agent, wish, policy, now, by)
        except SlotTaken:  # taken since it was looked at
            continue
    span = (wish.starts_at - timedelta(hours=4), wish.starts_at + timedelta(days=14))
    found = free_slots(session, need, callee, span, wish.minutes, policy, now, 200)
    if not found:
        raise InvalidInput("starts_at", "Nobody is free within two weeks of this time.")
    near = slot_search.nearest_of(found, wish.starts_at)
    raise SlotTaken("Nobody is free at this time.", near)
