"""``python -m bench.slots``: slot search for many agents, compared with a slow search that checks
every minute; and bookings per second, compared with the bare statements.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import insert

from bench import stores
from people.models import Customer
from scheduling.availability import agent_assignment, slots
from scheduling.availability.agent_assignment import AgentRequirements
from scheduling.availability.agent_availability import Callee
from scheduling.availability.slots import SlotRules
from scheduling.booking import bookings
from scheduling.booking.bookings import BookingRequest
from scheduling.models import Callback, ReservedSlot, WorkingHours
from storage.column_types import new_id
from tests import databases, factories
from tests.scheduling.test_slots import slow_free

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
ZONES = ("Europe/London", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Sydney")
POLICY = factories.a_policy()
LONDON = Callee("Europe/London")


def main() -> None:
    """Print a table for each database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=1000)
    parser.add_argument("--bookings", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--questions", type=int, default=40)
    parser.add_argument("--databases", nargs="*", default=["sqlite", "postgresql"])
    chosen = parser.parse_args()
    for kind in chosen.databases:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            place = stack.enter_context(stores.of(kind, folder))
            url = place.new("slots")
            databases.prepare(url)
            store = databases.opened(url)
            agents = _agents(store, chosen.agents)
            _fill(store, agents, chosen.bookings, chosen.days)
            place.settle("slots")
            print(f"\n{place.version}: {chosen.agents} agents, {chosen.bookings} bookings")
            _ask(store, chosen.days, chosen.questions)
            _one_agent(chosen.days)
            _book(store, agents)
            store.engine.dispose()


def _agents(store: databases.Store, count: int) -> list[UUID]:
    """Create agents in five zones who work on weekdays, with a break."""
    chance = random.Random(1)
    with store.unit() as session:
        agents = [
            factories.an_agent(session, NOW, timezone=ZONES[n % len(ZONES)]).id
            for n in range(count)
        ]
        hours = []
        for agent in agents:
            begin = 15 * chance.randrange(28, 40)
            for day in range(5):
                for span in ((begin, begin + 240), (begin + 285, begin + 525)):
                    hours.append((agent, day, *span))
        session.connection().execute(
            insert(WorkingHours.__table__),
            [
                {"id": new_id(), "staff_id": a, "weekday": d, "from_minute": b, "to_minute": e}
                for a, d, b, e in hours
            ],
        )
    return agents


def _fill(store: databases.Store, agents: list[UUID], bookings: int, days: int) -> None:
    """Insert random bookings that do not overlap in any agent's calendar."""
    chance = random.Random(2)
    with store.unit() as session:
        customer = factories.a_customer(session, NOW).id
    for chunk in range(0, bookings, 10_000):
        rows, steps = [], []
        for n in range(chunk, min(bookings, chunk + 10_000)):
            agent = agents[n % len(agents)]
            # A separate slot within the agent's hours, so that none overlap.
            turn = n // len(agents)
            at = NOW + timedelta(
                days=turn % days, minutes=30 * (turn // days) + 15 * chance.randrange(2)
            )
            row = new_id()
            rows.append(_row(row, customer, agent, at))
            steps += [
                {"holder_id": agent, "step": s, "seat": 0, "callback_id": row}
                for s in slots.call_steps(at, 15)
            ]
        with store.unit() as session:
            session.connection().execute(insert(Callback.__table__), rows)
            session.connection().execute(insert(ReservedSlot.__table__), steps)


def _row(row: UUID, customer: UUID, agent: UUID, at: datetime) -> dict[str, object]:
    return {
        "id": row,
        "customer_id": customer,
        "agent_id": agent,
        "starts_at": at,
        "ends_at": at + timedelta(minutes=15),
        "minutes": 15,
        "state": "booked",
        "topic": b"",
        "booked_at": NOW,
        "wall_fold": 0,
        "buffer_before": 0,
        "buffer_after": 0,
        "moves": 0,
    }


def _ask(store: databases.Store, days: int, questions: int) -> None:
    span = (NOW, NOW + timedelta(days=days))

    def ask(limit: int) -> int:
        with store.unit(read_only=True) as session:
            return len(
                agent_assignment.find_pool_slots(
                    session, AgentRequirements(), LONDON, span, 15, POLICY, NOW, limit
                )
            )

    for limit, what in ((10_000, f"all of {days} days"), (50, "the first 50")):
        count = ask(limit)
        times = _timed(lambda limit=limit: ask(limit), questions)
        print(
            f"free times, {what}: {count} found, median {median(times):.0f} ms,"
            f" 95th percentile {quantiles(times, n=20)[-1]:.0f} ms"
        )


def _one_agent(days: int) -> None:
    here = ZoneInfo("Europe/London")
    week = {day: [(540, 780), (825, 1065)] for day in range(5)}
    rules = SlotRules(week, here, here, POLICY.calling_hours)
    busy = set(slots.call_steps(NOW + timedelta(hours=3), 60))
    search = (rules, busy, NOW, NOW + timedelta(days=days), 15)
    fast = median(_timed(lambda: list(slots.iter_free_starts(*search)), 20))
    slow = median(_timed(lambda: slow_free(*search, set()), 3))
    same = list(slots.iter_free_starts(*search)) == slow_free(*search, set())
    print(f"one agent, {days} days: {fast:.2f} ms, slow search {slow:.0f} ms, same answer: {same}")


def _timed(act: Callable[[], object], times: int) -> list[float]:
    milliseconds = []
    for _ in range(times):
        begin = time.perf_counter()
        act()
        milliseconds.append(1000 * (time.perf_counter() - begin))
    return milliseconds


def _book(store: databases.Store, agents: list[UUID], count: int = 300) -> None:
    """Time sequential bookings by one process, and the same rows by bare statements."""
    policy = factories.a_policy(min_notice_minutes=0)
    with store.unit() as session:
        idle = factories.an_agent(session, NOW).id
        customers = [factories.a_customer(session, NOW).id for _ in range(count)]
    begin = time.perf_counter()
    for n, customer_id in enumerate(customers):
        with store.unit() as session:
            who = session.get_one(Customer, customer_id)
            at = NOW + timedelta(days=1 + n // 40, minutes=15 * (n % 40) + 60)
            bookings.book_callback(
                session, who, idle, BookingRequest(at, 15, "your router"), policy, NOW
            )
    ours = count / (time.perf_counter() - begin)
    begin = time.perf_counter()
    for n, customer_id in enumerate(customers):
        at, row = NOW + timedelta(days=100, minutes=15 * n), new_id()
        taken = [
            (holder, step)
            for holder in (agents[0], customer_id)
            for step in slots.call_steps(at, 15)
        ]
        with store.engine.begin() as connection:
            connection.execute(insert(Callback.__table__), _row(row, customer_id, agents[0], at))
            connection.execute(
                insert(ReservedSlot.__table__),
                [{"holder_id": h, "step": s, "seat": 0, "callback_id": row} for h, s in taken],
            )
    floor = count / (time.perf_counter() - begin)
    print(f"bookings: {ours:.0f} a second, bare statements {floor:.0f}: {ours / floor:.2f}")


if __name__ == "__main__":
    main()
