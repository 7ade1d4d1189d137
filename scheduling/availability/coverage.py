"""Load against capacity, and how calls went: counts alone, no customer in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlmodel import Session, col, select

from people import phone_numbers
from people.models import Customer
from scheduling.availability import agent_assignment, reservations, slot_search, slots
from scheduling.availability.agent_assignment import Need
from scheduling.availability.agent_availability import Callee
from scheduling.calendars import intervals, local_time
from scheduling.models import Callback
from scheduling.policy import Policy
from scheduling.states import State

HOUR = 60


@dataclass(frozen=True)
class Hour:
    """One hour that begins at ``begins_at``: minutes that agents work, and that are taken of
    them, buffers among them."""

    begins_at: datetime
    working: int
    taken: int


def of_day(
    session: Session, team_id: UUID | None, on: date, zone: ZoneInfo, policy: Policy
) -> list[Hour]:
    """The hours of a day in a zone, for a team or for all agents. Decent hours are left out of
    it: customers live in many zones."""
    begin, end = local_time.day(on, zone)
    span = (intervals.minute(begin), intervals.minute(end))
    agents = agent_assignment.candidates(session, Need(team_id=team_id))
    habits = slot_search.rules_for(session, agents, Callee(zone.key), policy, (begin, end))
    busy = reservations.of(session, agents, slots.steps(begin, span[1] - span[0]))
    counts = Counter(step for steps in busy.values() for step in steps)
    works = [slots.working(each.rules, span) for each in habits.values()]
    return [
        Hour(intervals.instant(at), _worked(works, (at, at + HOUR)), _taken(counts, at))
        for at in range(*span, HOUR)
    ]


def _worked(works: Sequence[Sequence[intervals.Span]], hour: intervals.Span) -> int:
    return sum(end - begin for each in works for begin, end in intervals.common(each, [hour]))


def _taken(counts: Counter[int], at: int) -> int:
    return sum(5 * counts[step] for step in range(at // 5, (at + HOUR) // 5))


def outcomes(session: Session, now: datetime, days: int = 30) -> dict[str, dict[str, int]]:
    """How many calls ended how of late, by the country (ISO 3166) that the customer lives in;
    what was missed, refused or called off counts by its state."""
    rows = session.exec(
        select(col(Customer.timezone), col(Callback.state), col(Callback.outcome), func.count())
        .where(
            col(Callback.customer_id) == col(Customer.id),
            col(Callback.ended_at) > now - timedelta(days=days),
        )
        .group_by(col(Customer.timezone), col(Callback.state), col(Callback.outcome))
    )
    found: dict[str, dict[str, int]] = {}
    for zone, state, outcome, count in rows:
        country = found.setdefault(phone_numbers.country_of_zone(zone) or "–", {})
        key = outcome if state == State.ENDED and outcome else state
        country[key] = country.get(key, 0) + count
    return dict(sorted(found.items()))
