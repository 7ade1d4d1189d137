"""Free slots of an agent, and what stands against one asked for."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from sqlmodel import Session, col, select

from people import phones
from people.errors import InvalidInput
from people.models import Staff
from scheduling import hours, slots
from scheduling.errors import SlotTaken
from scheduling.models import TakenStep
from scheduling.policy import Policy

MIN_MINUTES, MAX_MINUTES = 5, 120
OFFERS = 5
_LOOK_AHEAD = timedelta(days=14)


def require_length(minutes: int) -> None:
    """Raise ``InvalidInput`` for a length no call has."""
    if not MIN_MINUTES <= minutes <= MAX_MINUTES:
        raise InvalidInput("minutes", f"A call takes from {MIN_MINUTES} to {MAX_MINUTES} minutes.")


def require_time(starts_at: datetime, now: datetime, policy: Policy) -> None:
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


def rules_for(session: Session, agent_id: UUID, customer_zone: str, policy: Policy) -> slots.Rules:
    """What a slot of this agent with a customer of that zone must respect."""
    agent = session.get_one(Staff, agent_id)
    return slots.Rules(
        hours=hours.of(session, agent_id),
        agent_zone=phones.zone(agent.timezone),
        customer_zone=phones.zone(customer_zone),
        decent=policy.decent_hours,
    )


def taken_steps(
    session: Session,
    agent_id: UUID,
    since: datetime,
    until: datetime,
    but: UUID | None = None,
) -> set[int]:
    """Steps of the agent's time that are taken between two instants, ``but`` one callback's."""
    span = slots.steps(since, int((until - since).total_seconds()) // 60 + MAX_MINUTES)
    statement = select(TakenStep.step).where(
        col(TakenStep.agent_id) == agent_id,
        col(TakenStep.step) >= span.start,
        col(TakenStep.step) < span.stop,
    )
    if but is not None:
        statement = statement.where(col(TakenStep.callback_id) != but)
    return set(session.exec(statement))


def free_slots(
    session: Session,
    agent_id: UUID,
    customer_zone: str,
    span: tuple[datetime, datetime],
    minutes: int,
    policy: Policy,
    now: datetime,
    limit: int = 500,
) -> list[datetime]:
    """Free starts of an agent between two instants, as far as notice and horizon allow."""
    require_length(minutes)
    since = max(span[0], now + timedelta(minutes=policy.min_notice_minutes))
    until = min(span[1], now + timedelta(days=policy.max_ahead_days))
    if until <= since:
        return []
    rules = rules_for(session, agent_id, customer_zone, policy)
    busy = taken_steps(session, agent_id, since, until)
    return list(islice(slots.free(rules, busy, since, until, minutes), limit))


def require_free(
    session: Session,
    agent_id: UUID,
    customer_zone: str,
    starts_at: datetime,
    minutes: int,
    policy: Policy,
    now: datetime,
    but: UUID | None = None,
) -> None:
    """Raise ``SlotTaken`` with free slots near by when the time cannot be had."""
    rules = rules_for(session, agent_id, customer_zone, policy)
    ends_at = starts_at + timedelta(minutes=minutes)
    busy: Collection[int] = taken_steps(session, agent_id, starts_at, ends_at, but)
    problem = ""
    if any(step in busy for step in slots.steps(starts_at, minutes)):
        problem = "This time is already taken."
    elif not slots.at_work(rules, starts_at, minutes):
        problem = "This time is outside the agent's working hours."
    elif not slots.decent(rules, starts_at, minutes):
        problem = "This is no decent hour where the customer lives."
    if problem:
        raise SlotTaken(
            problem,
            nearest(session, agent_id, customer_zone, starts_at, minutes, policy, now),
        )


def nearest(
    session: Session,
    agent_id: UUID,
    customer_zone: str,
    wanted: datetime,
    minutes: int,
    policy: Policy,
    now: datetime,
) -> list[datetime]:
    """The free slots nearest to a wanted time, in order of time."""
    span = (wanted - timedelta(hours=4), wanted + _LOOK_AHEAD)
    found = free_slots(session, agent_id, customer_zone, span, minutes, policy, now, limit=200)
    return sorted(sorted(found, key=lambda slot: abs(slot - wanted))[:OFFERS])
