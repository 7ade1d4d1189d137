"""One stream of signs: complete, and without a code in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlmodel import select

from incidents.canaries import creation, detections
from incidents.canaries.detections import DetectionKind
from incidents.reports import signals, submission
from incidents.reports.models import SignalRecord
from incidents.reports.report_fields import ReportSubmission
from people.customer_import.validation import ImportRules
from people.customers import customer_records
from procedures import callback_refusal
from procedures.erasure import erase_customers
from storage.session import core_transaction
from tests import factories
from tests.databases import Store
from vault.audit import audit_log
from vault.keys import keyring
from verification import failed_checks
from verification.code_check import check_code
from verification.models import Code
from verification.verdicts import Channel

NOW = datetime(2026, 11, 24, 10, 0, 30, tzinfo=UTC)
PHONE, OTHER = factories.PHONE, factories.OTHER_PHONE


def checked(store: Store, phone: str, at: datetime = NOW, channel: Channel = Channel.WEB) -> None:
    with core_transaction(store.engine, keyring.keyring_session_info(store.ring)) as work:
        check_code(work, phone, "123456", channel, at, organisation="")


def items(store: Store) -> list[signals.WeightedSignal]:
    with store.unit() as session:
        signals.record_failed_checks(session, NOW)
    with store.unit() as session:
        return signals.list_recent_signals(session, NOW - timedelta(days=1))


def test_reports_refused_calls_and_failed_checks_run_together(store):
    with store.unit() as session:
        customer = factories.a_customer(session, NOW, PHONE)
        callback = factories.a_callback(session, NOW, customer=customer)
        submission.submit_for_reference(
            session, ReportSubmission(OTHER, "web", called_at=NOW - timedelta(hours=1)), NOW
        )
        callback_refusal.refuse_and_report(session, callback, "text", NOW)
        mine, theirs = customer.id, callback.id
    checked(store, PHONE)
    found = {item.kind: item for item in items(store)}
    assert set(found) == {"report", "refused", "unconfirmed"}
    assert found["report"].called_at == NOW - timedelta(hours=1)
    assert (found["report"].customer_id, found["report"].weight) == (None, 0.2)
    assert (found["refused"].callback_id, found["refused"].proven) == (theirs, True)
    assert found["unconfirmed"].customer_id == mine
    assert found["unconfirmed"].phone_index == store.ring.compute_blind_index("phone", PHONE)
    assert found["unconfirmed"].at == NOW.replace(microsecond=0)


def test_a_report_that_is_proven_later_counts_once_and_more(store):
    with store.unit() as session:
        submission.submit_for_reference(session, ReportSubmission(PHONE, "web"), NOW)
    (before,) = items(store)
    with store.unit() as session:
        submission.mark_reports_proven(session, PHONE, NOW + timedelta(hours=1))
    assert len(store.all(select(SignalRecord))) == 2
    (again,) = items(store)
    assert again.report_id == before.report_id
    assert (before.weight, again.weight, again.proven) == (0.2, 0.7, True)


def test_the_same_told_again_adds_no_item(store):
    with store.unit() as session:
        for _ in range(5):
            submission.submit_for_reference(session, ReportSubmission(PHONE, "web"), NOW)
    (item,) = items(store)
    assert item.times == 5


def test_a_check_of_a_number_that_we_are_calling_is_no_sign(store):
    call = factories.a_call(store, NOW)
    checked(store, call.phone)
    assert items(store) == []


def test_the_same_number_checked_again_in_the_same_call_is_one_sign(store):
    for minute in (0, 2, 9, 11):
        checked(store, PHONE, NOW + timedelta(minutes=minute))
        items(store)
    checked(store, PHONE, NOW, Channel.TEXT)
    found = sorted((item.channel, item.times, item.proven) for item in items(store))
    assert found == [("text", 1, True), ("web", 1, False), ("web", 3, False)]


def test_no_check_is_lost_between_two_rounds_of_the_worker(store):
    phones = {f"+4474009{n:05d}" for n in range(600)}
    for phone in phones:
        checked(store, phone)
    found = {item.phone_index for item in items(store)}
    assert found == {store.ring.compute_blind_index("phone", one_phone) for one_phone in phones}
    assert store.all(select(Code).where(Code.unmet.is_not(None))) == []


def test_a_contact_with_a_canary_is_a_sign_that_names_neither_customer_nor_number(store):
    rules = ImportRules(("en",), "GB", (), "Europe/London")
    with store.unit() as session:
        creation.plan_canaries(session, [PHONE], rules, NOW, reference="K-######")
        assert detections.detect_canary_contact(session, PHONE, DetectionKind.CALL, "call:CA2", NOW)
        assert detections.detect_canary_contact(session, PHONE, DetectionKind.CALL, "call:CA2", NOW)
    (item,) = items(store)
    assert (item.kind, item.channel, item.weight) == ("canary", "call", 1.0)
    assert (item.customer_id, item.phone_index) == (None, None)


def test_a_row_holds_so_many_and_the_oldest_give_way():
    held = None
    for n in range(failed_checks.MAX_ENTRIES + 5):
        held = failed_checks.append_failed_check(
            held, n.to_bytes(16), Channel.API, NOW + timedelta(seconds=n)
        )
    found = list(failed_checks.decode_failed_checks(held))
    assert len(found) == failed_checks.MAX_ENTRIES
    assert found[0].phone_index == (5).to_bytes(16)
    assert found[-1].at == (NOW + timedelta(seconds=failed_checks.MAX_ENTRIES + 4)).replace(
        microsecond=0
    )
    assert {item.channel for item in found} == {Channel.API}


def test_a_customer_who_is_erased_leaves_no_fingerprint(store):
    with store.unit() as session:
        made = factories.a_customer(session, NOW, PHONE)
        submission.submit_for_reference(session, ReportSubmission(PHONE, "web"), NOW)
        index = made.phone_index
    checked(store, PHONE)
    items(store)
    with store.unit() as session:
        found = customer_records.find_by_phone(session, PHONE)
        erase_customers(session, [found.id], audit_log.SYSTEM, NOW, "test")
    left = store.all(select(SignalRecord))
    assert len(left) == 2
    assert index not in {item.phone_index for item in left}
