"""Finds free slots of agents, and explains why a requested slot is not free."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from uuid import UUID

from sqlmodel import Session

from people.errors import InvalidInput
from scheduling.availability import agent_availability, reservations, slots
from scheduling.availability.agent_availability import AgentAvailability, Callee
from scheduling.availability.slots import SlotRules
from scheduling.error_codes import SchedulingErrorCode
from scheduling.errors import SlotTaken
from scheduling.policy import Policy

MIN_MINUTES, MAX_MINUTES = 5, 120
NEAREST_COUNT = 5
_LOOK_AHEAD = timedelta(days=14)
_DAY = timedelta(days=1)

InstantRange = tuple[datetime, datetime]


def require_call_length(minutes: int) -> None:
    """Raise ``InvalidInput`` unless the length is one that a call may have."""
    if not MIN_MINUTES <= minutes <= MAX_MINUTES:
        raise InvalidInput(
            "minutes",
            SchedulingErrorCode.CALL_LENGTH_OUT_OF_RANGE,
            least=MIN_MINUTES,
            most=MAX_MINUTES,
        )


def require_bookable_time(starts_at: datetime, now: datetime, policy: Policy) -> None:
    """Raise ``InvalidInput`` for a time in the past, with too little notice, or too far ahead."""
    if starts_at < now:
        raise InvalidInput("starts_at", SchedulingErrorCode.TIME_PAST)
    if starts_at < now + timedelta(minutes=policy.min_notice_minutes):
        raise InvalidInput(
            "starts_at",
            SchedulingErrorCode.NOTICE_TOO_SHORT,
            minutes=policy.min_notice_minutes,
        )
    if starts_at > now + timedelta(days=policy.max_ahead_days):
        raise InvalidInput(
            "starts_at", SchedulingErrorCode.TOO_FAR_AHEAD, days=policy.max_ahead_days
        )
    if starts_at.second or starts_at.microsecond:
        raise InvalidInput("starts_at", SchedulingErrorCode.TIME_NOT_ON_MINUTE)


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
    for _, problem in _slot_problems(session, habits, callee, starts_at, minutes, but):
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
        for agent, problem in _slot_problems(session, habits, callee, starts_at, minutes, but)
        if not problem
    ]


def _slot_problems(
    session: Session,
    habits: Mapping[UUID, AgentAvailability],
    callee: Callee,
    starts_at: datetime,
    minutes: int,
    but: UUID | None,
) -> Iterator[tuple[UUID, SchedulingErrorCode | None]]:
    """Yield each agent with the reason why the slot is not free, or ``None``."""
    call = slots.call_steps(starts_at, minutes)
    within = slots.call_steps(starts_at, minutes, slots.MAX_BUFFER, slots.MAX_BUFFER)
    holders = [*habits, callee.id] if callee.id else list(habits)
    busy = reservations.list_reserved_steps(session, holders, within, but)
    teams = {
        availability.team.id: availability.team
        for availability in habits.values()
        if availability.team
    }
    full = reservations.list_full_steps(session, teams.values(), within, but)
    theirs = busy.get(callee.id, []) if callee.id else []
    for agent, habit in habits.items():
        rules, team = habit.rules, habit.team
        own = slots.call_steps(starts_at, minutes, rules.before, rules.after)
        others = [*theirs, *(full.get(team.id, []) if team else [])]
        yield (
            agent,
            _slot_problem(rules, own, busy.get(agent, []), call, others, starts_at, minutes),
        )


def _slot_problem(
    rules: SlotRules,
    own: range,
    busy: Sequence[int],
    call: range,
    others: Sequence[int],
    starts_at: datetime,
    minutes: int,
) -> SchedulingErrorCode | None:
    if not set(busy).isdisjoint(own):
        return SchedulingErrorCode.SLOT_ALREADY_TAKEN
    if not set(others).isdisjoint(call):
        return SchedulingErrorCode.SLOT_CUSTOMER_OR_TEAM_BUSY
    if not slots.is_within_working_hours(rules, starts_at, minutes):
        return SchedulingErrorCode.SLOT_OUTSIDE_WORKING_HOURS
    if not slots.is_within_calling_hours(rules, starts_at, minutes):
        return SchedulingErrorCode.SLOT_OUTSIDE_CALLING_HOURS
    return None


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
