"""Load against capacity, and call outcomes. Counts only, no customer data."""

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
from scheduling.availability.agent_assignment import AgentRequirements
from scheduling.availability.agent_availability import Callee
from scheduling.calendars import intervals, local_time
from scheduling.models import Callback
from scheduling.policy import Policy
from scheduling.states import CallbackState

HOUR = 60


@dataclass(frozen=True)
class HourlyLoad:
    """The hour from ``begins_at``: minutes that agents work, and minutes reserved with buffers."""

    begins_at: datetime
    working: int
    taken: int


def load_by_hour(
    session: Session, team_id: UUID | None, on: date, zone: ZoneInfo, policy: Policy
) -> list[HourlyLoad]:
    """Return the hours of a day in a zone, for one team or for all agents.

    Calling hours are not considered, because customers live in many zones.
    """
    begin, end = local_time.local_day_bounds(on, zone)
    span = (intervals.minute_from_instant(begin), intervals.minute_from_instant(end))
    agents = agent_assignment.list_qualified_agents(session, AgentRequirements(team_id=team_id))
    habits = slot_search.load_slot_rules(session, agents, Callee(zone.key), policy, (begin, end))
    busy = reservations.list_reserved_steps(
        session, agents, slots.call_steps(begin, span[1] - span[0])
    )
    counts = Counter(step for steps in busy.values() for step in steps)
    works = [slots.working_intervals(habit.rules, span) for habit in habits.values()]
    return [
        HourlyLoad(
            intervals.instant_from_minute(at),
            _working_minutes(works, (at, at + HOUR)),
            _reserved_minutes(counts, at),
        )
        for at in range(*span, HOUR)
    ]


def _working_minutes(
    works: Sequence[Sequence[intervals.Interval]], hour: intervals.Interval
) -> int:
    return sum(
        end - begin for work in works for begin, end in intervals.intersect_intervals(work, [hour])
    )


def _reserved_minutes(counts: Counter[int], at: int) -> int:
    return sum(5 * counts[step] for step in range(at // 5, (at + HOUR) // 5))


def count_outcomes_by_country(
    session: Session, now: datetime, days: int = 30
) -> dict[str, dict[str, int]]:
    """Return counts of recent outcomes by the customer's country (ISO 3166).

    Calls that were missed, refused or cancelled count by their state.
    """
    rows = session.exec(
        select(col(Customer.timezone), col(Callback.state), col(Callback.outcome), func.count())
        .where(
            col(Callback.customer_id) == col(Customer.id),
            col(Callback.ended_at) > now - timedelta(days=days),
        )
        .group_by(col(Customer.timezone), col(Callback.state), col(Callback.outcome))
    )
    counts: dict[str, dict[str, int]] = {}
    for zone, state, outcome, count in rows:
        country = counts.setdefault(phone_numbers.country_of_zone(zone) or "–", {})
        key = outcome if state == CallbackState.ENDED and outcome else state
        country[key] = country.get(key, 0) + count
    return dict(sorted(counts.items()))
