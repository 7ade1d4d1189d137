"""Finds free slots of agents, and explains why a requested slot is not free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from uuid import UUID

from sqlmodel import Session

from scheduling.availability import agent_availability, reservations, slots
from scheduling.availability.agent_availability import AgentAvailability, Callee
from scheduling.availability.slot_problems import require_call_length, slot_problems
from scheduling.errors import SlotTaken
from scheduling.policy import Policy

NEAREST_COUNT = 5
_LOOK_AHEAD = timedelta(days=14)
_DAY = timedelta(days=1)

InstantRange = tuple[datetime, datetime]


def load_slot_rules(
    session: Session, agents: Sequence[UUID], callee: Callee, policy: Policy, span: InstantRange
) -> dict[UUID, AgentAvailability]:
    """Return the slot rules of each agent between two instants."""
    first, last = (instant.astimezone(UTC).date() for instant in span)
    return agent_availability.load_availability(
        session, agents, callee, policy, first - 2 * _DAY, last + 2 * _DAY
    )


def clip_to_policy(span: InstantRange, policy: Policy, now: datetime) -> InstantRange:
    """Return the part of ``span`` within minimum notice and booking horizon; it may be empty."""
    return (
        max(span[0], now + timedelta(minutes=policy.min_notice_minutes)),
        min(span[1], now + timedelta(days=policy.max_ahead_days)),
    )


def find_free_slots(
    session: Session,
    agent_id: UUID,
    callee: Callee,
    span: InstantRange,
    minutes: int,
    policy: Policy,
    now: datetime,
    limit: int = 500,
    but: UUID | None = None,
) -> list[datetime]:
    """Return an agent's free starts between two instants, within minimum notice and horizon.

    ``but`` is a callback that is being moved, whose own time counts as free.
    """
    require_call_length(minutes)
    since, until = clip_to_policy(span, policy, now)
    if until <= since:
        return []
    availability = load_slot_rules(session, [agent_id], callee, policy, (since, until))[agent_id]
    within = slots.StartGrid(since, until, minutes).within
    busy, others = _busy_steps(session, agent_id, callee, availability, within, but)
    return list(
        islice(
            slots.iter_free_starts(availability.rules, busy, since, until, minutes, others), limit
        )
    )


def _busy_steps(
    session: Session,
    agent_id: UUID,
    callee: Callee,
    found: AgentAvailability,
    within: range,
    but: UUID | None = None,
) -> tuple[list[int], list[int]]:
    """Return the agent's reserved steps, and the steps at which customer or team is unavailable."""
    holders = [agent_id, callee.id] if callee.id else [agent_id]
    steps = reservations.list_reserved_steps(session, holders, within, but)
    teams = [found.team] if found.team else []
    full = reservations.list_full_steps(session, teams, within, but)
    theirs = steps.get(callee.id, []) if callee.id else []
    return steps.get(agent_id, []), [*theirs, *(step for team in full.values() for step in team)]


def require_free_slot(
    session: Session,
    agent_id: UUID,
    callee: Callee,
    starts_at: datetime,
    minutes: int,
    policy: Policy,
    now: datetime,
    but: UUID | None = None,
) -> AgentAvailability:
    """Return the agent's availability if the slot is free.

    Raise ``SlotTaken``, with the nearest free slots, if it is not.
    """
    ends_at = starts_at + timedelta(minutes=minutes)
    habits = load_slot_rules(session, [agent_id], callee, policy, (starts_at, ends_at))
    for _, problem in slot_problems(session, habits, callee, starts_at, minutes, but):
        if problem:
            near = find_nearest_slots(
                session, agent_id, callee, starts_at, minutes, policy, now, but
            )
            raise SlotTaken(problem, near)
    return habits[agent_id]


def filter_free_agents(
    session: Session,
    habits: Mapping[UUID, AgentAvailability],
    callee: Callee,
    starts_at: datetime,
    minutes: int,
    but: UUID | None = None,
) -> list[UUID]:
    """Return those agents who can make exactly this call."""
    return [
        agent
        for agent, problem in slot_problems(session, habits, callee, starts_at, minutes, but)
        if not problem
    ]


def find_nearest_slots(
    session: Session,
    agent_id: UUID,
    callee: Callee,
    wanted: datetime,
    minutes: int,
    policy: Policy,
    now: datetime,
    but: UUID | None = None,
) -> list[datetime]:
    """Return the free slots nearest to a wanted time, in chronological order."""
    span = (wanted - timedelta(hours=4), wanted + _LOOK_AHEAD)
    free_slots = find_free_slots(session, agent_id, callee, span, minutes, policy, now, 200, but)
    return pick_nearest(free_slots, wanted)


def pick_nearest(found: Sequence[datetime], wanted: datetime) -> list[datetime]:
    """Return those slots that are nearest to a wanted time, in chronological order."""
    return sorted(sorted(found, key=lambda slot: abs(slot - wanted))[:NEAREST_COUNT])
