"""Why a requested time cannot be booked: its length, its notice, or the agent's rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session

from people.errors import InvalidInput
from scheduling.availability import reservations, slots
from scheduling.availability.agent_availability import AgentAvailability, Callee
from scheduling.availability.slots import SlotRules
from scheduling.error_codes import SchedulingErrorCode
from scheduling.policy import Policy

MIN_MINUTES, MAX_MINUTES = 5, 120


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


def slot_problems(
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
