"""Earlier times: offered once to who asked, taken by a text, first come, first served."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import col, select

from messaging.models import OutboxMessage
from scheduling import callback_rows
from scheduling.booking import bookings, cancellations, earlier_offers, slot_offers
from scheduling.booking.bookings import BookingRequest
from scheduling.booking.earlier_offers import EarlierOffersJob
from scheduling.errors import SlotTaken
from scheduling.models import Callback, SlotOffer
from tests import factories

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
POLICY = factories.a_policy()


@pytest.fixture
def agent(store):
    """An agent whose hours leave eight slots a day."""
    from scheduling.calendars import working_hours
    from vault.audit import audit_log

    with store.unit() as session:
        made = factories.an_agent(session, NOW)
        week = {day: [(14 * 60, 16 * 60)] for day in range(7)}
        working_hours.replace_working_hours(session, made.id, week, audit_log.OPERATOR, NOW)
        return made.id


def book(store, agent, at: datetime, *, waiting: bool = False) -> Callback:
    with store.unit() as session:
        who = factories.a_customer(session, NOW)
        made = bookings.book_callback(session, who, agent, BookingRequest(at, 15, "x"), POLICY, NOW)
        made.earlier_wanted_at = NOW if waiting else None
        session.add(made)
        return made


def full_day(store, agent) -> list[Callback]:
    first = NOW.replace(hour=14)
    return [book(store, agent, first + timedelta(minutes=15 * n)) for n in range(8)]


def run(store, now=NOW) -> list[SlotOffer]:
    with store.unit() as session:
        EarlierOffersJob(POLICY)(session, now)
    open_ones = select(SlotOffer).where(col(SlotOffer.closed_at).is_(None))
    return store.all(open_ones.order_by(col(SlotOffer.made_at)))


def texts(store) -> int:
    return len(store.all(select(OutboxMessage).where(OutboxMessage.kind == "earlier")))


def test_nothing_is_offered_while_nothing_is_free(store, agent):
    full_day(store, agent)
    book(store, agent, NOW.replace(hour=14) + timedelta(days=1), waiting=True)
    assert run(store) == []
    assert texts(store) == 0


def test_a_time_that_comes_free_is_offered_once_and_can_be_taken(store, agent):
    taken = full_day(store, agent)
    waiting = book(store, agent, NOW.replace(hour=14) + timedelta(days=1), waiting=True)
    with store.unit() as session:
        cancellations.cancel_booked_callback(
            session, session.get_one(Callback, taken[3].id), POLICY, NOW
        )
    (offer,) = run(store)
    assert (offer.starts_at, offer.number) == (taken[3].starts_at, 1)
    assert len(run(store, NOW + timedelta(minutes=2))) == texts(store) == 1
    with store.unit() as session:
        moved = slot_offers.accept_offer(session, session.get_one(SlotOffer, offer.id), POLICY, NOW)
        assert moved is not None
        assert (moved.id, moved.starts_at) == (waiting.id, taken[3].starts_at)
        assert moved.earlier_wanted_at is None


def test_what_was_offered_and_left_is_not_offered_again(store, agent):
    book(store, agent, NOW.replace(hour=14) + timedelta(days=3), waiting=True)
    (first,) = run(store)
    later = NOW + timedelta(hours=25)
    (second,) = [
        item for item in run(store, later) if item.id != first.id and item.expires_at > later
    ]
    assert second.starts_at > first.starts_at
    assert texts(store) == 2


def test_of_two_who_were_offered_it_the_second_is_too_late(store, agent):
    tomorrow = NOW.replace(hour=14) + timedelta(days=1)
    for n in (0, 1):
        book(store, agent, tomorrow + timedelta(minutes=15 * n), waiting=True)
    one, two = run(store)
    assert one.starts_at == two.starts_at
    with store.unit() as session:
        assert slot_offers.accept_offer(session, session.get_one(SlotOffer, one.id), POLICY, NOW)
    with store.unit() as session, pytest.raises(SlotTaken):
        slot_offers.accept_offer(session, session.get_one(SlotOffer, two.id), POLICY, NOW)


@pytest.mark.parametrize("act", ["refuse", "cancel"])
def test_who_has_no_call_any_more_is_offered_nothing(store, agent, act):
    made = book(store, agent, NOW.replace(hour=14) + timedelta(days=1), waiting=True)
    with store.unit() as session:
        found = callback_rows.lock_callback(session, made.id)
        if act == "refuse":
            cancellations.refuse_callback(session, found, NOW)
        else:
            cancellations.cancel_booked_callback(session, found, POLICY, NOW)
    assert run(store) == []


def test_it_is_done_once_a_minute_for_who_waits_longest(store, agent, monkeypatch):
    monkeypatch.setattr(earlier_offers, "BATCH_SIZE", 1)
    tomorrow = NOW.replace(hour=14) + timedelta(days=1)
    for n in range(3):
        book(store, agent, tomorrow + timedelta(minutes=15 * n), waiting=True)
    job = EarlierOffersJob(POLICY)
    for seconds, count in ((1, 1), (30, 1), (62, 2), (63, 2), (125, 3)):
        with store.unit() as session:
            job(session, NOW + timedelta(seconds=seconds))
        assert len(store.all(select(SlotOffer))) == count
