"""Booking, moving, cancelling: the time is taken and given back, and the customer gets a text."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from messaging.models import OutboxMessage
from people.errors import InvalidInput
from people.models import Customer
from scheduling import callbacks
from scheduling.booking import bookings, cancellations, time_changes
from scheduling.booking.bookings import BookingRequest
from scheduling.errors import SlotTaken, WrongState
from scheduling.models import Callback, ReservedSlot
from tests import factories
from vault.models import AuditEntry

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
POLICY = factories.a_policy()


def wish(ahead: int = 60, **changes: Any) -> BookingRequest:
    given = {"starts_at": NOW + timedelta(minutes=ahead), "minutes": 15, "topic": "your router"}
    return BookingRequest(**(given | changes))


def book(session, asked: BookingRequest, agent=None, customer=None, policy=POLICY) -> Callback:
    agent = agent or factories.an_agent(session, NOW)
    customer = customer or factories.a_customer(session, NOW)
    return bookings.book_callback(session, customer, agent.id, asked, policy, NOW)


def texts(store) -> list[tuple[str, str]]:
    return sorted((row.kind, row.state) for row in store.all(select(OutboxMessage)))


def test_a_booking_takes_its_time_tells_the_customer_and_is_written_down(store):
    with store.unit() as session:
        made = book(session, wish(ticket="T-1"))
        shown = callbacks.read_callback(session, made, NOW, "test")
    assert (shown.topic, shown.ticket, shown.state) == ("your router", "T-1", "booked")
    assert made.ends_at == made.starts_at + timedelta(minutes=15)
    steps = store.all(select(ReservedSlot))
    held = Counter(step.holder_id for step in steps)
    assert held == {made.agent_id: 3, made.customer_id: 3}
    assert texts(store) == [("booked", "queued")]
    assert [e.action for e in store.all(select(AuditEntry))].count("callback.book") == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"topic": ""}, "topic"),
        ({"topic": "x" * 41}, "topic"),
        ({"topic": "see www.evil.example"}, "topic"),
        ({"topic": "a\x00b"}, "topic"),
        ({"ticket": "t" * 41}, "ticket"),
        ({"minutes": 4}, "minutes"),
        ({"minutes": 121}, "minutes"),
        ({"minutes": -15}, "minutes"),
        ({"starts_at": NOW - timedelta(minutes=1)}, "starts_at"),
        ({"starts_at": NOW + timedelta(minutes=4)}, "starts_at"),
        ({"starts_at": NOW + timedelta(days=180, minutes=1)}, "starts_at"),
        ({"starts_at": NOW + timedelta(minutes=60, seconds=1)}, "starts_at"),
        ({"starts_at": NOW + timedelta(minutes=60, microseconds=1)}, "starts_at"),
    ],
)
def test_what_cannot_be_booked_is_refused_and_leaves_nothing(store, changes, field):
    with pytest.raises(InvalidInput) as refused, store.unit() as session:
        book(session, wish(**changes))
    assert refused.value.field == field
    assert store.all(select(Callback)) == store.all(select(ReservedSlot)) == []
    assert texts(store) == []


@pytest.mark.parametrize("ahead", [50, 55, 60, 65, 70])
def test_a_time_that_touches_a_taken_one_is_refused_with_what_is_free(store, ahead):
    with store.unit() as session:
        agent = factories.an_agent(session, NOW)
        book(session, wish(60), agent)
        with pytest.raises(SlotTaken, match="slot_already_taken") as refused:
            book(session, wish(ahead), agent)
        free = refused.value.free_slots
        assert len(free) == 5
        assert NOW + timedelta(minutes=60) not in free
        book(session, wish(0, starts_at=free[0]), agent)


@pytest.mark.parametrize("ahead", [45, 75])
def test_a_time_right_before_or_after_is_free(store, ahead):
    with store.unit() as session:
        agent = factories.an_agent(session, NOW)
        book(session, wish(60), agent)
        book(session, wish(ahead), agent)


def test_agents_do_not_stand_in_each_others_way(store):
    with store.unit() as session:
        assert book(session, wish()).starts_at == book(session, wish()).starts_at


@pytest.mark.parametrize("hour", [7, 20, 21, 23])
def test_no_call_at_night_where_the_customer_lives(store, hour):
    at = datetime(2026, 11, 25, hour, 50, tzinfo=UTC)
    with store.unit() as session:
        with pytest.raises(SlotTaken, match="slot_outside_calling_hours"):
            book(session, wish(starts_at=at))
        far = factories.a_customer(session, NOW, timezone="Pacific/Honolulu")
        book(session, wish(starts_at=at.replace(hour=22)), customer=far)


def test_moving_frees_the_old_time_takes_the_new_and_tells_only_the_new(store):
    with store.unit() as session:
        agent = factories.an_agent(session, NOW)
        made = book(session, wish(60), agent)
        time_changes.request_move(session, made, NOW)
        time_changes.reschedule_callback(session, made, NOW + timedelta(minutes=65), POLICY, NOW)
        assert made.move_asked_at is None
        book(session, wish(45), agent)
        with pytest.raises(SlotTaken):
            time_changes.reschedule_callback(
                session, made, NOW + timedelta(minutes=50), POLICY, NOW
            )
    assert texts(store) == [("booked", "expired"), ("booked", "queued"), ("moved", "queued")]


@pytest.mark.parametrize(
    ("name", "state", "told"),
    [("cancel_booked_callback", "cancelled", True), ("refuse_callback", "refused", False)],
)
def test_calling_off_gives_the_time_back_and_happens_once(store, name, state, told):
    def act(session, callback) -> None:
        more = (POLICY, NOW) if name == "cancel_booked_callback" else (NOW,)
        getattr(cancellations, name)(session, callback, *more)

    with store.unit() as session:
        agent = factories.an_agent(session, NOW)
        made = book(session, wish(), agent)
        act(session, made)
        assert (made.state, made.ended_at) == (state, NOW)
        with pytest.raises(WrongState):
            act(session, made)
        with pytest.raises(WrongState):
            time_changes.reschedule_callback(session, made, NOW + timedelta(hours=3), POLICY, NOW)
        book(session, wish(), agent, session.get_one(Customer, made.customer_id))
    kinds = [("booked", "expired"), ("booked", "queued")]
    assert texts(store) == kinds + [("cancelled", "queued")] * told


def test_a_window_that_went_by_is_missed_once(store):
    with store.unit() as session:
        made = book(session, wish())
    for now, state in ((made.ends_at - timedelta(seconds=1), "booked"), (made.ends_at, "missed")):
        with store.unit() as session:
            cancellations.mark_overdue_missed(session, POLICY, now)
        assert [row.state for row in store.all(select(Callback))] == [state]
    assert store.all(select(ReservedSlot)) == []
