"""I4: a customer's number, as one who swapped a SIM, or an agent who sells customers, would try."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlmodel import col, select

from channels.texts import handler, text_job
from incidents.cases.models import Case, CaseSubject
from messaging import line_types, opt_outs
from messaging.dispatch import delivery_outcomes, leases
from messaging.models import OutboxMessage
from messaging.sending_limits import NumberLimit, SendingLimits
from people.approvals.models import ApprovalRequest
from people.customers import customer_preferences, customer_records, customer_sessions
from people.errors import Conflict, InvalidInput, NotFound
from people.models import Customer, CustomerSession, NumberProof, Staff
from procedures import (
    approval_registry,
    number_change,
    old_number_notices,
    undelivered_number_change,
)
from scheduling import callback_rows
from scheduling.booking import bookings, cancellations, customer_callbacks, handover, time_changes
from scheduling.booking.bookings import BookingRequest
from scheduling.errors import WrongState
from scheduling.models import Callback
from storage.session import core_transaction
from tests import databases, factories
from tests.approvals import approve_request
from tests.processes import at_once
from vault.keys import field_encryption, keyring
from vault.models import AuditEntry
from verification import bridged_calls, call_session, issued_codes, number_proof
from verification.code_check import check_code
from verification.models import Code
from verification.verdicts import Channel, NotConfirmed

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
POLICY = factories.a_policy(reminders=(timedelta(days=1), timedelta(hours=1)))
KINDS = approval_registry.collect_request_types(POLICY)
OLD, NEW = factories.PHONE, "+447400123499"
WAIT = timedelta(hours=48)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


@pytest.fixture
def life(store):
    """A callback in three days of a customer with a phrase, its agent, and a supervisor."""
    with store.unit() as session:
        agent = factories.an_agent(session, NOW)
        supervisor = factories.an_agent(session, NOW, role="supervisor", name="Sue Poe")
        customer = factories.a_customer(session, NOW, OLD)
        customer_preferences.save_safe_phrase(session, customer, "blue teapot", NOW)
        ahead = timedelta(days=3)
        made = factories.a_callback(session, NOW, agent=agent, customer=customer, ahead=ahead)
        return made.id, agent.id, supervisor.id, customer.id


def ask(store, life, new: str = NEW, now: datetime = NOW) -> tuple:
    with store.unit() as session:
        callback = session.get_one(Callback, life[0])
        number_change.request_number_change(
            session, callback, new, "she has a new phone", POLICY, now
        )
    row = store.all(select(ApprovalRequest).order_by(col(ApprovalRequest.id)))[-1]
    return row.id, row.digest


def approve(store, life, request: tuple, now: datetime = NOW) -> str:
    with store.unit() as session:
        return str(approve_request(session, KINDS, *request, life[2], now))


def changed(store, life, now: datetime = NOW) -> None:
    """Change the number and tell the holder of the old one."""
    assert approve(store, life, ask(store, life, now=now), now) == "done"
    assert sent(store, now) == 1
    waited(store, now)


def sent(store, now: datetime, rules: SendingLimits = SendingLimits()) -> int:  # noqa: B008 (cannot be changed)
    """Hand the notices to old numbers that are due to the provider; gives how many left."""
    with store.unit() as session:
        taken = leases.lease_messages(session, now, "post", rules)
        told = [item for item in taken if session.get_one(OutboxMessage, item.id).kind == "number"]
        for item in told:
            delivery_outcomes.mark_sent(session, item, f"sm-{item.id}", now)
        for item in taken:
            if item not in told:
                delivery_outcomes.return_to_queue(session, item, now)
    return len(told)


def waited(store, now: datetime) -> datetime:
    """Until when the number waits, after the worker came by."""
    with store.unit() as session:
        old_number_notices.start_number_holds(session, POLICY, now)
        undelivered_number_change.open_undelivered_cases(session, now)
    return store.all(select(Customer).where(Customer.number_waits_until.is_not(None)))[
        0
    ].number_waits_until


def phone(store, customer_id) -> str:
    with store.unit() as session:
        return customer_records.open_customer_details(
            session, session.get_one(Customer, customer_id)
        ).phone


def queued(store) -> list[tuple[str, str, str]]:
    """Kind, recipient and body of what is still to be sent."""
    with store.unit() as session:
        found = []
        for row in session.exec(select(OutboxMessage).order_by(OutboxMessage.id)):
            if row.state == "queued" and row.expires_at > NOW:
                key = field_encryption.load_data_key(session, row.customer_id)
                opened = (
                    key.open_field("outbox_message", name, row.id, getattr(row, name))
                    for name in ("recipient", "body")
                )
                found.append((row.kind, *opened))
        return found


def test_the_old_number_is_told_in_words_that_only_we_know(store, life):
    approve(store, life, ask(store, life))
    assert phone(store, life[3]) == NEW
    (kind, to, body), *later = queued(store)
    assert (kind, to) == ("number", OLD)
    assert body == (
        "Example Bank (blue teapot): Your number with us was changed to one ending in 99."
        " Was that not you? Ring +442079460123 now."
    )
    assert all(to == NEW for _, to, _ in later)


def test_an_insider_who_has_many_texts_go_out_first_does_not_drown_the_warning(store, life):
    rules = SendingLimits(per_number=(NumberLimit(1, timedelta(hours=1)),))
    with store.unit() as session:
        (booked,) = leases.lease_messages(session, NOW, "post", rules)
        delivery_outcomes.mark_sent(session, booked, "sm-1", NOW)
    for later in (1, 2):
        with store.unit() as session:
            callback = session.get_one(Callback, life[0])
            time_changes.reschedule_callback(
                session, callback, callback.starts_at + later * HOUR, POLICY, NOW
            )
    approve(store, life, ask(store, life))
    assert sent(store, NOW, rules) == 1


def test_the_warning_has_its_share_of_a_spent_ceiling(store, life):
    dear = SendingLimits(segment_price=10, per_hour=10)
    with store.unit() as session:
        assert leases.lease_messages(session, NOW, "post", dear) == []  # 8 are left for notices
    approve(store, life, ask(store, life))
    assert sent(store, NOW, dear) == 1


def test_the_waiting_time_begins_when_the_old_number_has_been_told(store, life):
    approve(store, life, ask(store, life))
    told_at = NOW + timedelta(days=1)
    assert waited(store, NOW + WAIT) == NOW + timedelta(days=3) + WAIT
    with store.unit() as session, pytest.raises(WrongState, match="number_change_on_hold"):
        _book(session, life, NOW + WAIT)
    assert sent(store, told_at) == 1
    assert waited(store, told_at) == told_at + WAIT
    assert waited(store, told_at + SECOND) == told_at + WAIT


def test_of_two_changes_the_time_begins_with_the_last_number_that_is_told(store, life):
    approve(store, life, ask(store, life))
    later = NOW + timedelta(hours=1)
    approve(store, life, ask(store, life, "+447400123498", later), later)
    with store.unit() as session:
        first = session.exec(select(OutboxMessage).where(OutboxMessage.kind == "number")).first()
        first.state, first.settled_at = "sent", later
        session.add(first)
    assert waited(store, later) == later + timedelta(days=3) + WAIT
    assert sent(store, later) == 1
    assert waited(store, later) == later + WAIT


@pytest.mark.parametrize(("state", "error"), [("failed", "unreachable"), ("expired", None)])
def test_a_warning_that_is_lost_is_a_case_and_the_number_waits_its_longest(
    store, life, state, error
):
    approve(store, life, ask(store, life))
    with store.unit() as session:
        row = session.exec(select(OutboxMessage).where(OutboxMessage.kind == "number")).one()
        row.state, row.error, row.settled_at = state, error, NOW
        session.add(row)
    for _ in range(2):
        assert waited(store, NOW) == NOW + timedelta(days=3) + WAIT
    (case,) = store.all(select(Case))
    assert case.kind == "number"
    assert [one_row.staff_id for one_row in store.all(select(CaseSubject))] == [life[1]]
    with store.unit() as session:
        session.get_one(Case, case.id).fold = None  # as when it is closed
    waited(store, NOW + SECOND)
    assert len(store.all(select(Case))) == 1


def test_calls_inside_the_waiting_time_are_off_and_the_old_number_hears_of_it(store, life):
    with store.unit() as session:
        agent, customer = session.get_one(Staff, life[1]), session.get_one(Customer, life[3])
        made = factories.a_callback(session, NOW, agent=agent, customer=customer, ahead=HOUR)
        soon = made.id
    approve(store, life, ask(store, life))
    assert "ending in 99, and your booked call is off. Was that" in queued(store)[0][2]
    states = {row.id: row.state for row in store.all(select(Callback))}
    assert states == {soon: "cancelled", life[0]: "booked"}
    assert sent(store, NOW + timedelta(days=2)) == 1
    waited(store, NOW + timedelta(days=2))  # so late that it comes over the other call too
    assert {row.state for row in store.all(select(Callback))} == {"cancelled"}


def test_nothing_reaches_the_new_number_before_its_time(store, life):
    changed(store, life)
    rows = store.all(select(OutboxMessage).where(OutboxMessage.state == "queued"))
    coming = [row for row in rows if row.kind != "number" and row.expires_at > NOW]
    assert {row.kind for row in coming} == {"reminder"}
    assert all(row.due_at >= NOW + WAIT for row in coming)


def test_what_was_on_its_way_to_the_old_number_is_held_back_but_for_earlier_notices(store, life):
    approve(store, life, ask(store, life))
    back = ask(store, life, "+447400123498")
    approve(store, life, back)
    told = [(kind, to) for kind, to, _ in queued(store) if kind == "number"]
    assert told == [("number", OLD), ("number", NEW)]


def test_a_landline_is_told_by_voice_and_a_wish_for_no_texts_is_shown_to_the_supervisor(
    store, life
):
    with store.unit() as session:
        line_types.record_line_type(session, OLD, line_types.LANDLINE, NOW)
        opt_outs.record_opt_out(session, OLD, NOW)
    request = ask(store, life)
    with store.unit() as session:
        from people.approvals import sealed_requests

        row = session.get_one(ApprovalRequest, request[0])
        facts = KINDS[row.kind].facts(session, sealed_requests.open_approval_request(session, row))
    assert ("warning", "opted out") in facts
    assert ("old number", "••• ••56") in facts
    approve(store, life, request)
    row = store.all(select(OutboxMessage).where(OutboxMessage.kind == "number"))[0]
    assert row.medium == "voice"


def test_an_old_number_that_turns_out_to_be_a_landline_is_told_by_voice_once(store, life):
    approve(store, life, ask(store, life))
    with store.unit() as session:
        row = session.exec(select(OutboxMessage).where(OutboxMessage.kind == "number")).one()
        row.state, row.error, row.settled_at = "failed", line_types.LANDLINE, NOW
        line_types.record_line_type(session, OLD, line_types.LANDLINE, NOW)
        session.add(row)
    for _ in range(2):
        with store.unit() as session:
            old_number_notices.queue_voice_notices(session, POLICY, NOW)
    spoken = [(kind, to) for kind, to, body in queued(store) if "one that ends in 9, 9" in body]
    assert spoken == [("number", OLD)]


@pytest.mark.parametrize(("at", "free"), [(WAIT - SECOND, False), (WAIT, True)])
def test_no_call_is_booked_moved_or_started_before_the_time_is_over_to_the_second(
    store, life, at, free
):
    changed(store, life)
    moment = NOW + at
    for act in (_book, _move, _revive):
        with store.unit() as session:
            if free:
                act(session, life, moment)
                session.rollback()
            else:
                with pytest.raises(WrongState, match="number_change_on_hold"):
                    act(session, life, moment)


def _book(session, life, moment):
    wish = BookingRequest(moment.replace(second=0) + timedelta(hours=30), 15, "x")
    customer = session.get_one(Customer, life[3])
    bookings.book_callback(session, customer, life[1], wish, POLICY, moment)


def _move(session, life, moment):
    held = callback_rows.get_held_callback(session, life[0], life[1], lock=True)
    time_changes.reschedule_callback(
        session, held, moment.replace(second=0) + timedelta(hours=30), POLICY, moment
    )


def _revive(session, life, moment):
    held = callback_rows.get_held_callback(session, life[0], life[1], lock=True)
    cancellations.cancel_booked_callback(session, held, POLICY, moment)
    time_changes.rebook_callback(
        session, held, moment.replace(second=0) + timedelta(hours=30), POLICY, moment
    )


@pytest.mark.parametrize("bridged", [False, True])
def test_a_call_that_was_booked_before_cannot_be_started_until_then(store, life, bridged):
    policy = factories.a_policy(bridge_calls=bridged)
    with store.unit() as session:
        agent, customer = session.get_one(Staff, life[1]), session.get_one(Customer, life[3])
        made = factories.a_callback(session, NOW, agent=agent, customer=customer)
        if bridged:
            from people.staff import staff_records

            staff_records.set_staff_phone(session, agent, "+447400123000", NOW)
        soon = made.id
    changed(store, life)
    with store.unit() as session:  # one that somebody had in hand when the others were cancelled
        session.get_one(Callback, soon).state = "booked"
    begins = NOW + timedelta(minutes=10)
    with store.unit() as session, pytest.raises(WrongState, match="number_change_on_hold"):
        bridged_calls.start_bridged_call(session, session.get_one(Callback, soon), policy, begins)
    assert store.all(select(Code).where(Code.customer_id == life[3])) == []
    with store.unit() as session:
        at = NOW + timedelta(days=3)
        call_session.start_call(session, session.get_one(Callback, life[0]), POLICY, at)


def test_a_call_that_is_going_on_loses_its_code_and_gets_no_other(store, life):
    with store.unit() as session:
        agent, customer = session.get_one(Staff, life[1]), session.get_one(Customer, life[3])
        made = factories.a_callback(session, NOW, agent=agent, customer=customer)
        begins = NOW + timedelta(minutes=10)
        code = call_session.start_call(session, made, POLICY, begins).code
        live = made.id
    changed(store, life, begins)
    for number in (OLD, NEW):
        with core_transaction(store.engine, keyring.keyring_session_info(store.ring)) as work:
            told = check_code(work, number, code, Channel.WEB, begins, organisation="Example Bank")
        assert isinstance(told, NotConfirmed)
    for again in (issued_codes.reissue_code, call_session.start_call):
        with store.unit() as session, pytest.raises(WrongState):
            again(session, session.get_one(Callback, live), POLICY, begins)


@pytest.mark.parametrize("number", [OLD, NEW])
def test_page_numbers_and_browsers_of_before_are_dead_and_none_is_sent(store, life, number):
    with store.unit() as session:
        customer_sessions.start_customer_session(session, life[3], NOW)
        number_proof.issue_page_number(session, OLD, "text", POLICY, NOW)
    changed(store, life)
    assert all(row.ended_at for row in store.all(select(CustomerSession)))
    assert all(row.closed_at for row in store.all(select(NumberProof)))
    before = len(store.all(select(OutboxMessage)))
    with store.unit() as session:
        number_proof.issue_page_number(session, number, "text", POLICY, NOW + WAIT - SECOND)
    assert len(store.all(select(OutboxMessage))) == before
    with store.unit() as session:
        number_proof.issue_page_number(session, NEW, "text", POLICY, NOW + WAIT)
    assert len(store.all(select(OutboxMessage))) == before + 1


@pytest.mark.parametrize("word", ["REFUSE", "MOVE", "CHECK", "PHRASE red kettle", "hello", "1"])
def test_texts_from_the_new_number_are_answered_as_from_a_stranger(store, life, word):
    changed(store, life)
    stranger = "+447400123111"
    answers = []
    for sender in (NEW, stranger):
        with store.unit() as session:
            text = text_job.ReceivedText(f"SM-{sender}", sender, word)
            answers.append(handler.handle_text(session, text, POLICY, SendingLimits(), NOW))
    assert answers[0] == answers[1]
    assert "teapot" not in str(answers[0])
    with store.unit() as session:
        kept = session.get_one(Customer, life[3])
        assert customer_preferences.read_safe_phrase(session, kept, NOW, "x") == "blue teapot"
        assert session.get_one(Callback, life[0]).state == "booked"


def test_the_agent_who_gave_the_customer_away_meanwhile_asks_no_more(store, life):
    request = ask(store, life)
    with store.unit() as session:
        other = factories.an_agent(session, NOW)
        held = callback_rows.get_held_callback(session, life[0], life[1], lock=True)
        handover.hand_over_callback(session, held, other.id, POLICY, NOW)
    with pytest.raises(Conflict, match="requester_lost_callback"):
        approve(store, life, request)
    assert phone(store, life[3]) == OLD


def test_two_requests_from_one_old_number_are_not_both_done(store, life):
    """The second was read against a number that is no longer so."""
    one, two = ask(store, life), ask(store, life, "+447400123498")
    assert approve(store, life, one) == "done"
    with pytest.raises(Conflict, match="number_changed_since"):
        approve(store, life, two)
    assert phone(store, life[3]) == NEW


def test_a_number_that_is_taken_or_not_called_changes_nothing(store, life):
    with store.unit() as session:
        factories.a_customer(session, NOW, NEW)
    with pytest.raises(InvalidInput, match="phone_already_known"):
        approve(store, life, ask(store, life))
    with pytest.raises(InvalidInput, match="phone_special_rate"):
        ask(store, life, "+449098790000")
    with store.unit() as session, pytest.raises(InvalidInput, match="phone_country_not_called"):
        callback = session.get_one(Callback, life[0])
        ours = factories.a_policy(countries=("GB",))
        number_change.request_number_change(
            session, callback, "+4915123456789", "she has a new phone", ours, NOW
        )
    assert phone(store, life[3]) == OLD
    assert [row.state for row in store.all(select(ApprovalRequest))] == ["asked"]


def test_the_number_stands_sealed_in_the_request_and_is_gone_afterwards(store, life):
    request = ask(store, life)
    row = store.all(select(ApprovalRequest))[0]
    for number in (OLD, NEW):
        assert number.encode() not in row.payload
        assert number[1:].encode() not in row.payload
    approve(store, life, request)
    assert store.all(select(ApprovalRequest))[0].payload == b""


def test_an_investigator_or_agent_cannot_approve_a_number(store, life):
    request = ask(store, life)
    with store.unit() as session:
        roles = ("agent", "investigator")
        others = [factories.an_agent(session, NOW, role=role).id for role in roles]
    for item in (life[1], *others):
        with pytest.raises(NotFound):
            approve(store, (*life[:2], item, life[3]), request)


def _approve(url: str, life: tuple, request: tuple) -> str:
    store = databases.opened(url, wait_seconds=60)
    try:
        return approve(store, life, request)
    except (Conflict, InvalidInput) as error:
        return type(error).__name__


def _book_now(url: str, life: tuple) -> str:
    store = databases.opened(url, wait_seconds=60)
    try:
        with store.unit() as session:
            _book(session, life, NOW)
        return "booked"
    except WrongState:
        return "waits"


@pytest.mark.both
def test_two_customers_who_are_given_one_number_at_once_do_not_both_have_it(store, life):
    with store.unit() as session:
        agent = session.get_one(Staff, life[1])
        other = factories.a_customer(session, NOW)
        second = factories.a_callback(
            session, NOW, agent=agent, customer=other, ahead=timedelta(days=4)
        )
        theirs = (second.id, life[1], life[2], other.id)
    acts = [partial(_approve, store.url, item, ask(store, item)) for item in (life, theirs)]
    came = at_once(acts, lambda: store.engine.dispose(close=False))
    assert Counter(came) == {"done": 1, "InvalidInput": 1}


@pytest.mark.both
def test_a_booking_at_the_moment_of_the_change_is_told_to_no_new_number(store, life):
    """Whichever comes first: the booking's text went to the old number and is withdrawn, or there
    is no booking."""
    acts = [
        partial(_approve, store.url, life, ask(store, life)),
        partial(_book_now, store.url, life),
    ]
    came = at_once(acts, lambda: store.engine.dispose(close=False))
    assert came[0] == "done"
    assert came[1] in ("booked", "waits")
    assert not [1 for kind, to, _ in queued(store) if kind == "booked"]


def test_the_customer_sees_the_call_that_waits_as_booked(store, life):
    changed(store, life)
    with store.unit() as session:
        assert [
            call.id for call in customer_callbacks.list_booked_calls(session, life[3], NOW)
        ] == [life[0]]
        actions = [
            row.action for row in session.exec(select(AuditEntry).order_by(col(AuditEntry.id)))
        ]
    assert [action for action in actions if action.startswith(("customer.n", "number"))] == [
        "customer.number",
        "number.tell",
        "number.told",
    ]
