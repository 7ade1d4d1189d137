"""Reminders: at their leads, in the customer's language and day, none for what is too late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import col, select

from messaging.models import MessageState, OutboxMessage
from people.models import Customer
from scheduling import callback_rows
from scheduling.booking import bookings, cancellations, handover, time_changes
from scheduling.booking.bookings import BookingRequest
from tests import factories
from vault.keys import field_encryption
from verification import call_session

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
DAY, HOUR, TEN = timedelta(days=1), timedelta(hours=1), timedelta(minutes=10)
POLICY = factories.a_policy(reminders=(TEN, DAY, HOUR), window_lead_minutes=15)


def book(store, starts_at: datetime, policy=POLICY, **customer):
    with store.unit() as session:
        agent = factories.an_agent(session, NOW)
        who = factories.a_customer(session, NOW, **customer)
        wish = BookingRequest(starts_at, 15, "your router")
        return bookings.book_callback(session, who, agent.id, wish, policy, NOW)


def planned(store, state: MessageState = MessageState.QUEUED) -> list[OutboxMessage]:
    of = select(OutboxMessage).where(OutboxMessage.kind == "reminder", OutboxMessage.state == state)
    return store.all(of.order_by(col(OutboxMessage.wanted_at)))


def body(store, row: OutboxMessage) -> str:
    with store.unit() as session:
        key = field_encryption.load_data_key(session, row.customer_id)
        return key.open_field("outbox_message", "body", row.id, row.body)


def test_a_call_is_reminded_of_a_day_an_hour_and_ten_minutes_before(store):
    made = book(store, NOW + timedelta(days=3))
    rows = planned(store)
    assert [made.starts_at - row.wanted_at for row in rows] == [DAY, HOUR, TEN]
    assert [row.expires_at for row in rows] == [
        made.starts_at - HOUR,
        made.starts_at - TEN,
        made.starts_at,
    ]
    assert "Ana rings you Fri 27 Nov 10:00" in body(store, rows[0])


@pytest.mark.parametrize(
    ("ahead", "leads"),
    [
        (DAY, [HOUR, TEN]),
        (DAY + timedelta(minutes=1), [DAY, HOUR, TEN]),
        (HOUR + timedelta(minutes=1), [HOUR, TEN]),
        (HOUR, [TEN]),
        (TEN, []),
    ],
)
def test_there_is_none_for_what_is_booked_inside_its_lead(store, ahead, leads):
    made = book(store, NOW + ahead)
    assert [made.starts_at - row.wanted_at for row in planned(store)] == leads


def test_none_comes_at_night_and_none_that_the_night_would_hold_up_until_the_call(store):
    made = book(store, datetime(2026, 11, 26, 8, 0, tzinfo=UTC))
    rows = planned(store)
    assert [row.wanted_at for row in rows] == [made.starts_at - DAY]
    early = datetime(2026, 11, 26, 8, 30, tzinfo=UTC)
    second = book(store, early)
    found = [row.wanted_at for row in planned(store) if row.callback_id == second.id]
    assert found == [early - DAY, early - timedelta(minutes=30), early - TEN]


def test_it_speaks_the_customers_language_on_their_clock(store):
    book(store, NOW + timedelta(days=3), locale="en", timezone="Asia/Kathmandu")
    assert "Fri 27 Nov 15:45" in body(store, planned(store)[0])


def test_a_move_plans_them_again(store):
    made = book(store, NOW + timedelta(days=3))
    with store.unit() as session:
        time_changes.reschedule_callback(
            session, made, NOW + timedelta(days=5, hours=1), POLICY, NOW
        )
    rows = planned(store)
    assert {row.expires_at - timedelta(days=5, hours=1) <= NOW for row in rows} == {True}
    assert [made.starts_at - row.wanted_at for row in rows] == [DAY, HOUR, TEN]
    assert len(planned(store, MessageState.EXPIRED)) == 3


@pytest.mark.parametrize("act", ["refuse", "cancel", "start"])
def test_none_comes_after_a_refusal_or_an_end(store, act):
    made = book(store, NOW + timedelta(days=3))
    with store.unit() as session:
        found = callback_rows.lock_callback(session, made.id)
        if act == "refuse":
            cancellations.refuse_callback(session, found, NOW)
        elif act == "cancel":
            cancellations.cancel_booked_callback(session, found, POLICY, NOW)
        else:
            call_session.start_call(session, found, POLICY, made.starts_at - timedelta(minutes=15))
    assert planned(store) == []


def test_a_handed_over_call_is_reminded_of_with_the_new_name(store):
    made = book(store, NOW + timedelta(days=3))
    with store.unit() as session:
        other = factories.an_agent(session, NOW, name="Ben Okafor")
        handover.hand_over_callback(session, made, other.id, POLICY, NOW)
    assert all("Ben rings you" in body(store, row) for row in planned(store))
    assert len(planned(store)) == 3


def test_the_safe_phrase_is_in_each(store):
    from people.customers import customer_preferences

    with store.unit() as session:
        who = factories.a_customer(session, NOW)
        customer_preferences.save_safe_phrase(session, who, "blue teapot", NOW)
        agent = factories.an_agent(session, NOW)
        wish = BookingRequest(NOW + timedelta(days=3), 15, "your router")
        kept = session.get_one(Customer, who.id)
        bookings.book_callback(session, kept, agent.id, wish, POLICY, NOW)
    assert all("(blue teapot)" in body(store, row) for row in planned(store))
