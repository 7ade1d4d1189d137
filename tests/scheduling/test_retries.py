"""After a call that nobody answered the next is booked by itself, on the plan and no further."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from sqlmodel import select

from messaging.models import OutboxMessage
from scheduling import callback_rows, callbacks
from scheduling.booking import cancellations
from scheduling.models import Callback, FollowUp, TimeOff
from scheduling.states import CallbackState, CallOutcome
from tests import databases, factories
from tests.processes import at_once
from verification import call_end, call_session

HOURS_2, DAY = timedelta(hours=2), timedelta(days=1)
POLICY = factories.a_policy(retries=(HOURS_2, DAY))


def ended(store, clock, outcome: str, call=None, policy=POLICY) -> Callback | None:
    call = call or factories.a_call(store, clock.now)
    with store.unit() as session:
        held = callback_rows.get_held_callback(session, call.callback_id, call.agent_id)
        return call_end.end_call(session, held, outcome, policy, clock.now)


@pytest.mark.parametrize("outcome", CallOutcome)
def test_only_a_call_that_did_not_reach_anybody_is_followed(store, clock, outcome):
    made = ended(store, clock, outcome)
    assert (made is not None) == (outcome in ("no_answer", "voicemail"))


def test_the_next_call_is_about_the_same_by_the_same_agent_and_told(store, clock):
    call = factories.a_call(store, clock.now)
    made = ended(store, clock, "no_answer", call)
    assert made.starts_at == clock.now.replace(minute=15, second=0, microsecond=0) + HOURS_2
    with store.unit() as session:
        shown = callbacks.read_callback(session, made, clock.now, "test")
    assert (shown.topic, shown.ticket, shown.customer.phone) == (
        "your router",
        "T-1001",
        call.phone,
    )
    assert made.agent_id == call.agent_id
    (link,) = store.all(select(FollowUp))
    assert (link.earlier_id, link.callback_id, link.attempt) == (call.callback_id, made.id, 1)
    assert "again" in {row.kind for row in store.all(select(OutboxMessage))}


def test_the_plan_comes_to_an_end(store, clock):
    call = factories.a_call(store, clock.now)
    for attempt in (1, 2):
        made = ended(store, clock, "no_answer", call)
        assert max(row.attempt for row in store.all(select(FollowUp))) == attempt
        clock.now = made.starts_at
        with store.unit() as session:
            held = callback_rows.get_held_callback(session, made.id, made.agent_id)
            issued = call_session.start_call(session, held, POLICY, clock.now)
        call = factories.Call(
            made.id, made.agent_id, call.phone, issued.code, clock.now, issued.valid_until
        )
    assert ended(store, clock, "no_answer", call) is None


def test_no_plan_no_call(store, clock):
    assert ended(store, clock, "no_answer", policy=factories.a_policy()) is None


def test_a_customer_who_has_another_call_booked_gets_no_third(store, clock):
    call = factories.a_call(store, clock.now)
    with store.unit() as session:
        from people.customers import customer_records

        who = customer_records.find_by_phone(session, call.phone)
        factories.a_callback(session, clock.now, customer=who, ahead=timedelta(days=2))
    assert ended(store, clock, "no_answer", call) is None


def test_an_agent_who_is_away_all_week_is_not_booked(store, clock):
    call = factories.a_call(store, clock.now)
    today = clock.now.date()
    with store.unit() as session:
        session.add(
            TimeOff(staff_id=call.agent_id, first_on=today, last_on=today + timedelta(days=9))
        )
    assert ended(store, clock, "no_answer", call) is None


def test_it_is_at_a_decent_hour(store, clock):
    clock.now = clock.now.replace(hour=20, minute=30)
    made = ended(store, clock, "voicemail")
    assert made.starts_at == (clock.now + DAY).replace(hour=8, minute=0, second=0, microsecond=0)


@pytest.mark.both
def test_ended_twice_at_once_it_is_followed_once(store, clock):
    call = factories.a_call(store, clock.now)

    def end(url: str) -> bool:
        there = databases.opened(url, wait_seconds=60)
        try:
            return ended(there, clock, "no_answer", call) is not None
        except Exception as error:
            return type(error).__name__ == "never"

    told = at_once([partial(end, store.url)] * 8, lambda: store.engine.dispose(close=False))
    assert sum(told) == 1
    booked = [row for row in store.all(select(Callback)) if row.state == CallbackState.BOOKED]
    assert len(booked) == len(store.all(select(FollowUp))) == 1


def test_a_refused_follow_up_stays_refused(store, clock):
    made = ended(store, clock, "no_answer")
    with store.unit() as session:
        cancellations.refuse_callback(
            session, callback_rows.lock_callback(session, made.id), clock.now
        )
    assert (
        store.all(select(Callback).where(Callback.id == made.id))[0].state == CallbackState.REFUSED
    )
