"""I2: each customer under a key of their own; a ciphertext opens where it stands or nowhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from sqlmodel import select

from incidents.audit_search import customer_search
from incidents.canaries import store as register
from incidents.canaries.store import Canary
from incidents.cases.creation import open_or_extend_case
from incidents.cases.models import CaseKind
from incidents.evening_notes import explanations, note_creation
from incidents.evening_notes.due_evenings import DueEvening
from incidents.reports import report_fields, submission
from messaging import call_queue
from messaging.dispatch.worker import Worker
from messaging.models import OutboxMessage
from messaging.providers.simulator.sms import SimulatorSmsProvider
from people.approvals import approval_requests
from people.customers import customer_preferences, customer_records
from people.models import Customer, Staff
from people.passkeys import credential_records, registration
from people.staff import (
    link_creation,
    session_lifecycle,
    staff_approvals,
    staff_enrolment,
    staff_records,
)
from people.staff.second_factor import current_totp_code
from scheduling.booking import idempotency
from scheduling.models import Callback
from storage.session import core_transaction
from tests import factories
from tests.approvals import approve_request
from tests.databases import Store
from tests.security_rules.support import sealed_columns as columns
from vault.audit import audit_log
from vault.errors import KeyUnavailable, Tampered
from vault.keys import keyring
from vault.models import DataKey, KeyRegisterRow, PurposeKey
from verification import call_status, number_proof
from verification.code_check import check_code
from verification.models import Code
from verification.verdicts import Channel, Genuine

NOW = datetime(2026, 11, 24, 10, 0, 30, tzinfo=UTC)
PHONES = (factories.PHONE, factories.OTHER_PHONE)


def a_life(store: Store, phone: str) -> factories.Call:
    """Create a person with data in every table, whose call is confirmed and in progress."""
    with store.unit() as session:
        made = factories.a_customer(session, NOW, phone, external_ref=f"crm-{phone}")
        customer_preferences.save_safe_phrase(session, made, "blue teapot", NOW)
        told = report_fields.ReportSubmission(
            phone, "web", said="x", shown_number="+1", claimed_to_be="us", asked_for=["code"]
        )
        submission.submit_for_reference(session, told, NOW)
        open_or_extend_case(session, CaseKind.CALLS, phone[-4:], [], NOW)
        ines = factories.an_agent(session, NOW, role="investigator")
        customer_search.start_search_by_number(session, ines.id, phone, "she asks who read", NOW)
        _a_vote(session, phone)
        register.save_canary_batch(session, [Canary(1, phone)])
        _a_note(session, made)
    call = factories.a_call(store, NOW, phone)
    with store.unit() as session:
        member = staff_records.find_staff_by_email(session, _email(session, call))
        staff_records.set_staff_phone(session, member, "+447400123499", NOW)
        call_queue.queue_call(
            session, call.callback_id, staff_records.open_staff_phone(session, member), NOW
        )
        link = link_creation.create_enrolment_link(session, member, NOW, pin="123456")
        secret = staff_enrolment.open_enrolment_link(session, link, NOW, "123456")[2]
        staff_enrolment.enrol_with_link(
            session, link, "several good words", _totp(secret), NOW, piece="123456"
        )
        session_lifecycle.open_staff_session(session, member, NOW, browser="Firefox, Linux")
        credential_records.store_passkey(
            session, member.id, phone.encode(), b"key", 0, "My phone", NOW
        )
        registration.ensure_user_handle(session, member)
        idempotency.claim_idempotency_key(session, call.agent_id, "k", b"x", NOW)
        number_proof.issue_page_number(session, phone, "text", factories.a_policy(), NOW)
    Worker(
        store.engine, store.ring, [SimulatorSmsProvider(store.engine, store.ring)], lambda: NOW
    ).run_once()
    with core_transaction(store.engine, keyring.keyring_session_info(store.ring)) as work:
        told = check_code(work, phone, call.code, Channel.WEB, NOW, organisation="Example Bank")
    assert isinstance(told, Genuine)
    return call


def _a_vote(session, phone: str) -> None:
    """A request of the command line that one of two has approved."""
    member = factories.an_agent(session, NOW, role="supervisor")
    asked = approval_requests.submit_for_approval(
        session,
        staff_approvals.ADD,
        {"email": f"{phone}@example.org"},
        "why it is to be",
        None,
        NOW,
    )
    approve_request(
        session,
        {staff_approvals.ADD.name: staff_approvals.ADD},
        asked.id,
        asked.digest,
        member.id,
        NOW,
    )


def _a_note(session, customer) -> None:
    """Somebody looked a customer up for nothing, was asked about it, and has said why."""
    ana = factories.an_agent(session, NOW)
    audit_log.record_act(
        session, audit_log.staff_actor(ana.id), "customer.look_up", NOW, customer_id=customer.id
    )
    evening = DueEvening(ana.id, NOW.date(), NOW + timedelta(minutes=1))
    note = note_creation.create_evening_note(session, evening, NOW + timedelta(hours=1))
    explanations.save_explanations(session, ana.id, note.id, {}, "a wrong number", NOW)


def _email(session, call) -> str:
    return staff_records.open_staff_details(session, session.get_one(Staff, call.agent_id)).email


def _totp(secret: str) -> str:
    return current_totp_code(secret, NOW)


@pytest.fixture
def lives(store) -> tuple[factories.Call, factories.Call]:
    return a_life(store, PHONES[0]), a_life(store, PHONES[1])


def test_every_column_of_bytes_is_known_for_what_it_holds():
    kinds = [columns.INDEXES, columns.HASHES, columns.COUNTS, columns.MARKS, columns.SEALED]
    assert columns.columns_of_bytes() == set().union(*kinds)
    assert sum(map(len, kinds)) == len(columns.columns_of_bytes())


def test_a_ciphertext_pasted_into_any_other_place_does_not_open(store, lives):
    with store.unit() as session:
        held = {item: columns.values(session, item) for item in sorted(columns.SEALED)}
        single = {"key_register.sealed"}
        assert {each for each, rows in held.items() if len(rows) < 2} == single
        places = [(each, row) for each, rows in held.items() for row, _ in rows]
        pasted = [value for rows in held.values() for _, value in rows]
        opening = 0
        for (column, row), value in product(places, pasted):
            try:
                columns.opened(session, column, row, value, store.master)
            except (Tampered, KeyUnavailable):
                continue
            assert getattr(row, column.split(".")[1]) == value
            opening += 1
        assert opening == len(places)


def test_a_changed_or_cut_ciphertext_does_not_open(store, lives):
    with store.unit() as session:
        for column in sorted(columns.SEALED):
            row, value = columns.values(session, column)[0]
            flips = (0, 1, len(value) // 2, len(value) - 1)
            changed = [value[:n] + bytes([value[n] ^ 1]) + value[n + 1 :] for n in flips]
            for item in (*changed, value[:-1], value[1:], value[:12], value + b"\0", b"\0"):
                with pytest.raises((Tampered, KeyUnavailable)):
                    columns.opened(session, column, row, item, store.master)


def test_the_same_value_never_looks_the_same(store, lives):
    with store.unit() as session:
        for column in sorted(columns.SEALED):
            found = [value for _, value in columns.values(session, column)]
            assert len(set(found)) == len(found)


def test_a_callers_own_secret_pasted_into_a_victims_call_is_not_genuine(store, lives):
    """The administrator who rings with a code of his own and a changed database."""
    own, victim = lives
    later = NOW + timedelta(minutes=1)
    with store.unit() as session:
        rows = {row.callback_id: row for row in session.exec(select(Code))}
        mine, theirs = rows[own.callback_id], rows[victim.callback_id]
        theirs.secret, theirs.counter, theirs.confirmed_at = mine.secret, mine.counter, None
        session.add(theirs)
    with (
        pytest.raises(Tampered),
        core_transaction(store.engine, keyring.keyring_session_info(store.ring)) as work,
    ):
        check_code(work, victim.phone, own.code, Channel.WEB, later, organisation="Example Bank")


def test_without_a_customers_key_all_of_theirs_is_gone_and_nobody_elses(store, lives):
    with store.unit() as session:
        gone = customer_records.find_by_phone(session, PHONES[0]).id
        session.delete(session.get_one(DataKey, gone))
    with store.unit() as session:
        unread = 0
        for column in sorted(columns.CUSTOMERS):
            for row, value in columns.values(session, column):
                if columns.owner_of(column, row) == gone:
                    unread += 1
                    with pytest.raises(KeyUnavailable):
                        columns.opened(session, column, row, value, store.master)
                else:
                    columns.opened(session, column, row, value, store.master)
        assert unread >= len(columns.CUSTOMERS)
        with pytest.raises(KeyUnavailable):
            customer_records.open_customer_details(session, session.get_one(Customer, gone))
        with pytest.raises(KeyUnavailable):
            call_status.call_status(session, session.get_one(Callback, lives[0].callback_id))


def test_a_text_to_an_erased_customer_fails_and_keeps_no_other_waiting(store):
    with store.unit() as session:
        for phone in PHONES:
            factories.a_callback(session, NOW, customer=factories.a_customer(session, NOW, phone))
        gone = customer_records.find_by_phone(session, PHONES[0]).id
        session.delete(session.get_one(DataKey, gone))
    Worker(
        store.engine, store.ring, [SimulatorSmsProvider(store.engine, store.ring)], lambda: NOW
    ).run_once()
    states = {row.customer_id: row.state for row in store.all(select(OutboxMessage))}
    assert states.pop(gone) == "failed"
    assert list(states.values()) == ["sent"]


def test_a_blind_index_is_equal_for_equals_and_tells_nothing_else(store):
    index = store.ring.compute_blind_index
    assert index("phone", PHONES[0]) == index("phone", PHONES[0])
    assert index("phone", PHONES[0]) != index("phone", PHONES[1])
    assert index("phone", "T-1001") != index("ticket", "T-1001")
    before = index("phone", PHONES[0])
    with store.unit() as session:
        for row in (*session.exec(select(PurposeKey)), *session.exec(select(KeyRegisterRow))):
            session.delete(row)
    keyring.make_purpose_keys(store.engine, store.master, NOW)
    assert (
        keyring.Keyring(store.master, store.engine).compute_blind_index("phone", PHONES[0])
        != before
    )
