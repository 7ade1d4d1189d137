"""Callbacks for a pool of agents: who is qualified, when one is free, and who is next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, exists, or_, select

from people.models import Membership, Role, Staff, Team
from scheduling.availability import reservations, slot_problems, slot_search, slots
from scheduling.availability.agent_availability import AgentAvailability, Callee
from scheduling.availability.slot_search import InstantRange
from scheduling.availability.slots import StartGrid
from scheduling.models import Callback, Skill
from scheduling.policy import Policy

LANGUAGE, PRODUCT = "language", "product"
LEAST_BUSY, ROUND_ROBIN = "least_busy", "round_robin"
ASSIGNMENTS = (LEAST_BUSY, ROUND_ROBIN)
_BATCH_SIZE = 64
_HALF_DAY = timedelta(hours=12)


@dataclass(frozen=True)
class AgentRequirements:
    """Requirements on the agent of a call: team, language, product. Empty ones are not checked.

    An agent without any recorded skill of a kind is taken to have every skill of that kind.
    """

    team_id: UUID | None = None
    language: str = ""
    product: str = ""


def list_qualified_agents(session: Session, need: AgentRequirements) -> list[UUID]:
    """Return the ids of active agents who meet the requirements."""
    statement = select(Staff.id).where(
        col(Staff.role) == Role.AGENT, col(Staff.active).is_(True), *_skill_conditions(need)
    )
    if need.team_id is not None:
        members = select(Membership.staff_id).where(col(Membership.team_id) == need.team_id)
        statement = statement.where(col(Staff.id).in_(members))
    return list(session.exec(statement))


def _skill_conditions(need: AgentRequirements) -> Iterator[Any]:
    for kind, value in ((LANGUAGE, need.language), (PRODUCT, need.product)):
        if value:
            noted = (col(Skill.staff_id) == col(Staff.id)) & (col(Skill.kind) == kind)
            known = exists().where(noted, col(Skill.value) == value)
            yield or_(~exists().where(noted), known)


def find_pool_slots(
    session: Session,
    need: AgentRequirements,
    callee: Callee,
    span: InstantRange,
    minutes: int,
    policy: Policy,
    now: datetime,
    limit: int = 500,
    but: UUID | None = None,
) -> list[datetime]:
    """Return start instants in ``span`` at which at least one qualified agent is free."""
    slot_problems.require_call_length(minutes)
    span = slot_search.clip_to_policy(span, policy, now)
    agents = list_qualified_agents(session, need) if span[0] < span[1] else []
    if not agents:
        return []
    grid = StartGrid(*span, minutes)
    habits = slot_search.load_slot_rules(session, agents, callee, policy, span)
    starts = _PoolSlotSearch(session, grid, habits, callee, but).find_pool_starts()
    return list(islice(grid.bits_to_instants(starts), limit))


class _PoolSlotSearch:
    """Searches for starts at which any agent of a pool is free.

    Agents are loaded in batches, and each batch only for the starts that are still uncovered, so
    most of a pool of a thousand is never loaded.
    """

    def __init__(
        self,
        session: Session,
        grid: StartGrid,
        habits: Mapping[UUID, AgentAvailability],
        callee: Callee,
        but: UUID | None,
    ) -> None:
        self._session, self._grid, self._habits, self._but = session, grid, habits, but
        teams = {habit.team.id: habit.team for habit in habits.values() if habit.team}
        full = reservations.list_full_steps(session, teams.values(), grid.within, but)
        self._full = {team: grid.steps_to_bits(steps) for team, steps in full.items()}
        self._callee = 0
        if callee.id is not None:
            steps = reservations.list_reserved_steps(session, [callee.id], grid.within, but).get(
                callee.id, []
            )
            self._callee = grid.steps_to_bits(steps)
        self._possible: dict[int, int] = {}

    def find_pool_starts(self) -> int:
        agents = list(self._habits)
        left, free_starts = 0, 0
        for agent in agents:
            left |= self._eligible_starts(agent)
        for k in range(0, len(agents), _BATCH_SIZE):
            if not left:
                break
            for starts in self._free_starts_by_agent(agents[k : k + _BATCH_SIZE], left):
                free_starts |= starts
            left &= ~free_starts
        return free_starts

    def _eligible_starts(self, agent: UUID) -> int:
        """Return starts in the agent's hours that suit customer and team, cached by rules."""
        habit, grid = self._habits[agent], self._grid
        if id(habit.rules) not in self._possible:
            starts = grid.starts_within(slots.callable_intervals(habit.rules, grid.span))
            others = self._callee | (self._full.get(habit.team.id, 0) if habit.team else 0)
            self._possible[id(habit.rules)] = grid.exclude_conflicts(starts, others)
        return self._possible[id(habit.rules)]

    def _free_starts_by_agent(self, agents: Sequence[UUID], left: int) -> Iterator[int]:
        grid = self._grid
        busy = reservations.list_reserved_steps(
            self._session, agents, grid.reachable_steps(left), self._but
        )
        for agent in agents:
            rules = self._habits[agent].rules
            starts, steps = (
                self._eligible_starts(agent) & left,
                grid.steps_to_bits(busy.get(agent, ())),
            )
            yield grid.exclude_conflicts(starts, steps, rules.before, rules.after)


def rank_free_agents(
    session: Session,
    need: AgentRequirements,
    callee: Callee,
    starts_at: datetime,
    minutes: int,
    policy: Policy,
    but: UUID | None = None,
) -> list[UUID]:
    """Return the agents who are free for exactly this call, the next in turn first."""
    agents = list_qualified_agents(session, need)
    span = (starts_at, starts_at + timedelta(minutes=minutes))
    habits = slot_search.load_slot_rules(session, agents, callee, policy, span)
    free = slot_search.filter_free_agents(session, habits, callee, starts_at, minutes, but)
    return _order_by_assignment(session, need, free, starts_at)


def _order_by_assignment(
    session: Session, need: AgentRequirements, agents: Sequence[UUID], starts_at: datetime
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
    day = slots.call_steps(starts_at - _HALF_DAY, int(2 * _HALF_DAY.total_seconds()) // 60)
    busy = reservations.list_reserved_steps(session, agents, day)
    return sorted(agents, key=lambda agent: (len(busy.get(agent, ())), agent))
