"""What counts as an unjustified access."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from incidents.access.justification import (
    Justification,
    access_from_entry,
    find_justifications,
    list_unjustified_accesses,
)
from incidents.cases.creation import NewEvidence, open_or_extend_case
from incidents.cases.models import CaseKind, CaseState
from people.models import Customer, Staff
from scheduling import callbacks
from scheduling.booking import bookings, cancellations, handover
from scheduling.models import Callback
from tests import factories
from vault.audit import audit_log
from vault.models import AuditEntry
from verification import call_end, call_session

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def looked_up(session: Session, agent: Staff, customer: Customer | None, at: datetime) -> None:
    who = customer.id if customer else None
    audit_log.record_act(
        session, audit_log.staff_actor(agent.id), "customer.look_up", at, customer_id=who
    )


def bare(session: Session, agent: Staff, now: datetime) -> int:
    return len(list_unjustified_accesses(session, agent.id, NOW - DAY, NOW + 9 * DAY, now))


def test_a_look_up_that_nothing_follows_has_nothing_behind_it(store):
    with store.unit() as session:
        ana, gwen = factories.an_agent(session, NOW), factories.a_customer(session, NOW)
        looked_up(session, ana, gwen, NOW)
        looked_up(session, ana, None, NOW)  # found nobody, so opened nobody
        found = list_unjustified_accesses(session, ana.id, NOW, NOW + MINUTE, NOW + DAY)
        assert [item.customer_id for item in found] == [gwen.id]


@pytest.mark.parametrize(("later", "left"), [(0, 0), (30, 0), (31, 1), (-5, 0), (-6, 0)])
def test_a_booking_within_half_an_hour_is_a_reason(store, later, left):
    with store.unit() as session:
        ana, gwen = factories.an_agent(session, NOW), factories.a_customer(session, NOW)
        looked_up(session, ana, gwen, NOW)
        at = NOW + later * MINUTE
        factories.a_callback(session, at, agent=ana, customer=gwen, ahead=DAY)
        assert bare(session, ana, at) == left


def test_a_booking_for_a_colleague_is_a_reason_for_who_booked(store):
    with store.unit() as session:
        ana, ben = factories.an_agent(session, NOW), factories.an_agent(session, NOW)
        gwen = factories.a_customer(session, NOW)
        looked_up(session, ana, gwen, NOW)
        wish = bookings.BookingRequest(NOW + DAY, 15, "your router")
        by = audit_log.staff_actor(ana.id)
        bookings.book_callback(session, gwen, ben.id, wish, factories.a_policy(), NOW + MINUTE, by)
        assert bare(session, ana, NOW + MINUTE) == 0


def opened(session: Session, callback: Callback, at: datetime) -> None:
    callbacks.read_callback(session, callback, at, "card")


def a_held(session: Session, **more: Any) -> tuple[Staff, Callback]:
    ana = factories.an_agent(session, NOW)
    return ana, factories.a_callback(session, NOW, agent=ana, **more)


def test_a_callback_that_is_held_is_a_reason_while_it_can_still_be_made(store):
    with store.unit() as session:
        ana, callback = a_held(session)
        opened(session, callback, NOW + MINUTE)
        assert bare(session, ana, NOW + MINUTE) == 0
        assert bare(session, ana, NOW + 24 * MINUTE) == 0
        assert bare(session, ana, NOW + 25 * MINUTE) == 1  # its window is over without a call


@pytest.mark.parametrize("who", ["agent", "customer"])
def test_a_booking_taken_back_by_its_agent_was_none(store, who):
    with store.unit() as session:
        ana, callback = a_held(session)
        opened(session, callback, NOW + MINUTE)
        by = audit_log.CUSTOMER if who == "customer" else None
        cancellations.cancel_booked_callback(
            session, callback, factories.a_policy(), NOW + 2 * MINUTE, by
        )
        assert bare(session, ana, NOW + 3 * MINUTE) == (1 if who == "agent" else 0)


def test_a_booking_that_the_customer_never_asked_for_was_none(store):
    with store.unit() as session:
        ana, callback = a_held(session)
        opened(session, callback, NOW + MINUTE)
        cancellations.refuse_callback(session, callback, NOW + 2 * MINUTE)
        assert bare(session, ana, NOW + 3 * MINUTE) == 1


def test_a_call_that_was_made_is_a_reason_until_a_day_after(store):
    with store.unit() as session:
        policy = factories.a_policy()
        ana, callback = a_held(session)
        call_session.start_call(session, callback, policy, NOW + 10 * MINUTE)
        ended = NOW + 15 * MINUTE
        call_end.end_call(session, callback, "reached", policy, ended)
        opened(session, callback, ended + DAY)
        assert bare(session, ana, ended + 2 * DAY) == 0
        opened(session, callback, ended + DAY + MINUTE)
        assert bare(session, ana, ended + 2 * DAY) == 1


def test_who_handed_it_over_had_a_reason_when_they_read_it(store):
    with store.unit() as session:
        ana, callback = a_held(session, ahead=timedelta(hours=2))
        ben = factories.an_agent(session, NOW)
        opened(session, callback, NOW + MINUTE)
        handover.hand_over_callback(
            session, callback, ben.id, factories.a_policy(), NOW + 2 * MINUTE
        )
        assert bare(session, ana, NOW + 3 * MINUTE) == 0
        looked_up(session, ana, session.get_one(Customer, callback.customer_id), NOW + 6 * MINUTE)
        assert bare(session, ana, NOW + 7 * MINUTE) == 1  # it is Ben's now


def test_an_open_case_is_a_reason_for_who_names_it(store):
    with store.unit() as session:
        ines = factories.an_agent(session, NOW, role="investigator")
        gwen = factories.a_customer(session, NOW)
        about = [NewEvidence("audit", "1", NOW)]
        case = open_or_extend_case(session, CaseKind.ACCESS, "fold", about, NOW)
        entry = AuditEntry(
            id=7, at=NOW, actor="staff", staff_id=ines.id, action="customer.read",
            customer_id=gwen.id, purpose=case.reference,
        )  # fmt: skip
        found = access_from_entry(entry)
        assert found is not None
        assert find_justifications(session, [found], NOW) == {7: Justification.CASE}
        case.state, case.closed_at = CaseState.CLOSED, NOW - MINUTE
        session.add(case)
        assert find_justifications(session, [found], NOW) == {}


def test_a_long_past_is_read_only_as_far_as_it_is_asked_for(store):
    with store.unit() as session:
        ana, gwen = factories.an_agent(session, NOW), factories.a_customer(session, NOW)
        for number in range(1200):
            looked_up(session, ana, gwen, NOW - 40 * DAY + number * timedelta(hours=1))
        found = list_unjustified_accesses(session, ana.id, NOW - 2 * DAY, NOW - DAY, NOW)
        assert len(found) == 24
        assert [item.at for item in found] == sorted(item.at for item in found)
