"""However many want one agent's time at once, it is given once."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from uuid import UUID

import pytest
from sqlmodel import select

from people.models import Customer
from scheduling import callback_rows
from scheduling.booking import bookings, time_changes
from scheduling.booking.bookings import BookingRequest
from scheduling.errors import SlotTaken, WrongState
from scheduling.models import Callback, ReservedSlot
from tests import databases, factories
from tests.processes import at_once

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
POLICY = factories.a_policy()


@pytest.fixture
def people(store):
    """An agent, and thirty-two customers."""
    with store.unit() as session:
        agent = factories.an_agent(session, NOW).id
        return agent, [factories.a_customer(session, NOW).id for _ in range(32)]


def book(url: str, agent: UUID, customer: UUID, ahead: int, minutes: int) -> str:
    store = databases.opened(url, wait_seconds=60)
    wish = BookingRequest(NOW + timedelta(minutes=ahead), minutes, "your router")
    try:
        with store.unit() as session:
            who = session.get_one(Customer, customer)
            bookings.book_callback(session, who, agent, wish, POLICY, NOW)
        return "booked"
    except SlotTaken as taken:
        return f"taken, {len(taken.free_slots)} free"


def move(url: str, agent: UUID, callback: UUID, ahead: int) -> str:
    store = databases.opened(url, wait_seconds=60)
    try:
        with store.unit() as session:
            held = callback_rows.get_held_callback(session, callback, agent, lock=True)
            time_changes.reschedule_callback(
                session, held, NOW + timedelta(minutes=ahead), POLICY, NOW
            )
        return "moved"
    except (SlotTaken, WrongState):
        return "refused"


def nothing_overlaps(store) -> list[Callback]:
    """The callbacks that stand, after looking that they are all apart."""
    booked = [row for row in store.all(select(Callback)) if row.state == "booked"]
    booked.sort(key=lambda row: (row.agent_id, row.starts_at))
    for one, other in pairwise(booked):
        assert one.agent_id != other.agent_id or one.ends_at <= other.starts_at
    taken = Counter(step.callback_id for step in store.all(select(ReservedSlot)))
    assert set(taken) == {row.id for row in booked}
    return booked


@pytest.mark.both
def test_64_processes_book_the_same_slot_and_one_has_it(store, people):
    agent, customers = people
    acts = [partial(book, store.url, agent, customer, 60, 15) for customer in customers * 2]
    told = Counter(at_once(acts, lambda: store.engine.dispose(close=False)))
    assert told == {"booked": 1, "taken, 5 free": 63}
    assert len(nothing_overlaps(store)) == 1


@pytest.mark.campaign
def test_overlapping_slots_of_all_lengths_never_overlap(store, people):
    agent, customers = people
    lengths = [5, 15, 25, 60]
    acts = [
        partial(book, store.url, agent, each, 60 + 5 * (n % 9), lengths[n % 4])
        for n, each in enumerate(customers[:24])
    ]
    told = Counter(at_once(acts, lambda: store.engine.dispose(close=False)))
    assert len(nothing_overlaps(store)) == told["booked"] >= 1


@pytest.mark.campaign
def test_bookings_that_swap_their_times_at_once_do_not_wait_for_each_other(store, people):
    agent, customers = people
    with store.unit() as session:
        made = [
            bookings.book_callback(
                session,
                session.get_one(Customer, who),
                agent,
                BookingRequest(NOW + timedelta(minutes=60 + 15 * n), 15, "x"),
                POLICY,
                NOW,
            ).id
            for n, who in enumerate(customers[:4])
        ]
    acts = [
        partial(move, store.url, agent, each, 60 + 15 * ((n + step) % 5))
        for step in (1, 2, 4)
        for n, each in enumerate(made)
    ]
    told = Counter(at_once(acts, lambda: store.engine.dispose(close=False)))
    assert set(told) <= {"moved", "refused"}
    assert told["moved"] >= 1
    assert len(nothing_overlaps(store)) == 4


@pytest.mark.campaign
def test_one_agents_race_does_not_keep_another_from_booking(store, people):
    _, customers = people
    with store.unit() as session:
        agents = [factories.an_agent(session, NOW).id for _ in range(8)]
    acts = [
        partial(book, store.url, agents[n % 8], each, 60, 30)
        for n, each in enumerate(customers[:24])
    ]
    told = Counter(at_once(acts, lambda: store.engine.dispose(close=False)))
    assert told["booked"] == len(nothing_overlaps(store)) == 8
