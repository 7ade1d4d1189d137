"""Another agent makes the call: time, access and code go with it, at once and wholly."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from messaging.models import OutboxMessage
from people.errors import InvalidInput, NotFound
from people.models import Staff
from scheduling import callback_rows
from scheduling.errors import SlotTaken, WrongState
from scheduling.models import Callback, ReservedSlot
from tests import factories
from vault.models import AuditEntry
from verification import call_end, issued_codes, live_handover
from verification.code_check import check_code
from verification.verdicts import Channel, Genuine, NotConfirmed

POLICY = factories.a_policy()


def hand(store, clock, callback_id, to, policy=POLICY) -> None:
    with store.unit() as session:
        found = callback_rows.lock_callback(session, callback_id)
        live_handover.hand_over_call(session, found, to, policy, clock.now)


@pytest.fixture
def ben(store, clock):
    with store.unit() as session:
        return factories.an_agent(session, clock.now, name="Ben Okafor").id


def ask(store, clock, phone: str, code: str, channel=Channel.WEB):
    with store.unit() as session:
        return check_code(session, phone, code, channel, clock.now, organisation="B")


def test_a_booked_call_goes_over_with_its_time_and_the_customer_is_told(store, clock, ben):
    with store.unit() as session:
        made = factories.a_callback(session, clock.now)
    giver = made.agent_id
    hand(store, clock, made.id, ben)
    with store.unit() as session:
        with pytest.raises(NotFound):
            callback_rows.get_held_callback(session, made.id, giver)
        assert callback_rows.get_held_callback(session, made.id, ben).state == "booked"
    holders = {row.holder_id for row in store.all(select(ReservedSlot))}
    assert holders == {ben, made.customer_id}
    kinds = [(m.kind, m.state) for m in store.all(select(OutboxMessage))]
    assert sorted(kinds) == [("booked", "expired"), ("handed", "queued")]
    (entry,) = [e for e in store.all(select(AuditEntry)) if e.action == "callback.hand_over"]
    assert (entry.staff_id, entry.detail) == (giver, f"{giver} to {ben}")


def test_the_code_that_the_first_agent_knew_is_dead_and_the_second_has_another(store, clock, ben):
    call = factories.a_call(store, clock.now)
    hand(store, clock, call.callback_id, ben)
    assert isinstance(ask(store, clock, call.phone, call.code), NotConfirmed)
    with store.unit() as session:
        held = callback_rows.get_held_callback(session, call.callback_id, ben)
        code = issued_codes.current_code(session, held, clock.now).code
    assert code != call.code
    told = ask(store, clock, call.phone, code)
    assert isinstance(told, Genuine)
    assert told.caller == "Ben"
    assert [m.kind for m in store.all(select(OutboxMessage)) if m.kind == "handed"] == ["handed"]


def test_it_counts_among_the_three_new_codes(store, clock, ben):
    call = factories.a_call(store, clock.now)
    with store.unit() as session:
        ana = session.get_one(Staff, call.agent_id).id
    for to in (ben, ana, ben):
        hand(store, clock, call.callback_id, to)
    with pytest.raises(WrongState, match="no_check_numbers_left"):
        hand(store, clock, call.callback_id, ana)
    with store.unit() as session:
        assert callback_rows.get_held_callback(session, call.callback_id, ben).state == "started"


def test_a_confirmed_or_ended_call_stays_with_its_agent(store, clock, ben):
    call = factories.a_call(store, clock.now)
    assert isinstance(ask(store, clock, call.phone, call.code), Genuine)
    with pytest.raises(WrongState):
        hand(store, clock, call.callback_id, ben)
    with store.unit() as session:
        held = callback_rows.get_held_callback(session, call.callback_id, call.agent_id)
        call_end.end_call(session, held, "reached", POLICY, clock.now)
    with pytest.raises(WrongState):
        hand(store, clock, call.callback_id, ben)


def test_nobody_is_handed_a_call_at_a_time_that_they_do_not_have(store, clock, ben):
    with store.unit() as session:
        made = factories.a_callback(session, clock.now)
        other = factories.a_callback(session, clock.now, agent=session.get_one(Staff, ben))
    assert other.starts_at == made.starts_at
    with pytest.raises(SlotTaken):
        hand(store, clock, made.id, ben)
    assert {row.agent_id for row in store.all(select(Callback))} == {made.agent_id, ben}


@pytest.mark.parametrize("who", ["supervisor", "off", "self", "nobody"])
def test_it_goes_to_an_agent_at_work_here_and_to_another(store, clock, who):
    from storage.column_types import new_id

    with store.unit() as session:
        made = factories.a_callback(session, clock.now)
        role = "supervisor" if who == "supervisor" else "agent"
        member = factories.an_agent(session, clock.now, role=role)
        member.active = who != "off"
        session.add(member)
        to = {"self": made.agent_id, "nobody": new_id()}.get(who, member.id)
    with pytest.raises(InvalidInput) as refused:
        hand(store, clock, made.id, to)
    assert refused.value.field == "agent"


def test_two_who_swap_their_calls_at_once_do_not_wait_for_each_other(store, clock, ben):
    from functools import partial

    from tests import databases
    from tests.processes import at_once

    with store.unit() as session:
        one = factories.a_callback(session, clock.now)
        later = timedelta(hours=2)
        two = factories.a_callback(
            session, clock.now, agent=session.get_one(Staff, ben), ahead=later
        )

    def swap(callback_id, to) -> str:
        there = databases.opened(store.url, wait_seconds=60)
        hand(there, clock, callback_id, to)
        return "done"

    acts = [partial(swap, one.id, ben), partial(swap, two.id, one.agent_id)]
    assert at_once(acts, lambda: store.engine.dispose(close=False)) == ["done", "done"]
