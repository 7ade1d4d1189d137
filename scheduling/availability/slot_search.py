"""Free slots of agents, and what stands against one asked for."""

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
from scheduling.errors import SlotTaken
from scheduling.policy import Policy

MIN_MINUTES, MAX_MINUTES = 5, 120
NEAREST_COUNT = 5
TAKEN_MESSAGE = "This time is already taken."
_LOOK_AHEAD = timedelta(days=14)
_DAY = timedelta(days=1)

InstantRange = tuple[datetime, datetime]


def require_call_length(minutes: int) -> None:
    """Raise ``InvalidInput`` for a length no call has."""
    if not MIN_MINUTES <= minutes <= MAX_MINUTES:
        raise InvalidInput("minutes", f"A call takes from {MIN_MINUTES} to {MAX_MINUTES} minutes.")


def require_bookable_time(starts_at: datetime, now: datetime, policy: Policy) -> None:
    """Raise ``InvalidInput`` for a time that is past, too near or too far."""
    if starts_at < now:
        raise InvalidInput("starts_at", "This time is past. Choose a later one.")
    if starts_at < now + timedelta(minutes=policy.min_notice_minutes):
        raise InvalidInput(
            "starts_at",
            f"Leave at least {policy.min_notice_minutes} minutes, so that the customer is told.",
        )
    if starts_at > now + timedelta(days=policy.max_ahead_days):
        raise InvalidInput("starts_at", f"Book at most {policy.max_ahead_days} days ahead.")
    if starts_at.second or starts_at.microsecond:
        raise InvalidInput("starts_at", "Choose a time on a full minute.")


def load_slot_rules(
    session: Session, agents: Sequence[UUID], callee: Callee, policy: Policy, span: InstantRange
) -> dict[UUID, AgentAvailability]:
    """What a slot of each of these agents must respect between two instants."""
    first, last = (item.astimezone(UTC).date() for item in span)
    return agent_availability.load_availability(
        session, agents, callee, policy, first - 2 * _DAY, last + 2 * _DAY
    )


def clip_to_policy(span: InstantRange, policy: Policy, now: datetime) -> InstantRange:
    """The part of a span in which notice and horizon let a call start; may be empty."""
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
    """Free starts of an agent between two instants, as far as notice and horizon allow. ``but``
    is a callback that is to be moved, so that its own time counts as free."""
    require_call_length(minutes)
    since, until = clip_to_policy(span, policy, now)
    if until <= since:
        return []
    found = load_slot_rules(session, [agent_id], callee, policy, (since, until))[agent_id]
    within = slots.StartGrid(since, until, minutes).within
    busy, others = _busy_steps(session, agent_id, callee, found, within, but)
    return list(
        islice(slots.iter_free_starts(found.rules, busy, since, until, minutes, others), limit)
    )


def _busy_steps(
    session: Session,
    agent_id: UUID,
    callee: Callee,
    found: AgentAvailability,
    within: range,
    but: UUID | None = None,
) -> tuple[list[int], list[int]]:
    """The agent's taken steps; and those at which the customer or the agent's team has no room."""
    holders = [agent_id, callee.id] if callee.id else [agent_id]
    steps = reservations.list_reserved_steps(session, holders, within, but)
    teams = [found.team] if found.team else []
    full = reservations.list_full_steps(session, teams, within, but)
    theirs = steps.get(callee.id, []) if callee.id else []
    return steps.get(agent_id, []), [*theirs, *(item for team in full.values() for item in team)]


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
    """What the agent's time is subject to. Raises ``SlotTaken``, with free slots near by, when
    this time cannot be had."""
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
    """Those of some agents who can make this very call."""
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
) -> Iterator[tuple[UUID, str]]:
    """What stands against this call, agent by agent; empty for nothing."""
    call = slots.call_steps(starts_at, minutes)
    within = slots.call_steps(starts_at, minutes, slots.MAX_BUFFER, slots.MAX_BUFFER)
    holders = [*habits, callee.id] if callee.id else list(habits)
    busy = reservations.list_reserved_steps(session, holders, within, but)
    teams = {one_habit.team.id: one_habit.team for one_habit in habits.values() if one_habit.team}
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
) -> str:
    if not set(busy).isdisjoint(own):
        return TAKEN_MESSAGE
    if not set(others).isdisjoint(call):
        return "The customer or the team has another call at this time."
    if not slots.is_within_working_hours(rules, starts_at, minutes):
        return "This time is outside the agent's working hours."
    if not slots.is_within_calling_hours(rules, starts_at, minutes):
        return "This is no decent hour where the customer lives."
    return ""


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
    """The free slots nearest to a wanted time, in order of time."""
    span = (wanted - timedelta(hours=4), wanted + _LOOK_AHEAD)
    found = find_free_slots(session, agent_id, callee, span, minutes, policy, now, 200, but)
    return pick_nearest(found, wanted)


def pick_nearest(found: Sequence[datetime], wanted: datetime) -> list[datetime]:
    """Those of some slots that are nearest to a wanted time, in order of time."""
    return sorted(sorted(found, key=lambda slot: abs(slot - wanted))[:NEAREST_COUNT])
