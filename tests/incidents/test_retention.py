"""What we know of somebody is gone so many days after their last callback, and not before."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from incidents.cases import report_list
from incidents.reports import report_fields, submission
from incidents.reports.models import Report
from people.customers import customer_preferences, customer_records
from people.models import Customer, CustomerSession
from procedures import erasure, retention
from scheduling import callback_fields, callback_rows
from scheduling.booking import bookings, cancellations, time_changes
from scheduling.errors import WrongState
from scheduling.models import Callback
from tests import factories
from tests.processes import at_once
from tests.security_rules.support.cost_counters import rows
from vault.audit import audit_log
from vault.models import AuditEntry, DataKey

POLICY = factories.a_policy()
DAYS = timedelta(days=30)
PHONES = ("+447400300001", "+447400300002", "+447400300003")


@pytest.fixture
def three(store, clock) -> list[Customer]:
    """The first had a callback today, the second has one in 20 days, the third none ever."""
    with store.unit() as session:
        found = [factories.a_customer(session, clock.now, phone) for phone in PHONES]
        factories.a_callback(session, clock.now, customer=found[0])
        soon = clock.now + timedelta(days=20)
        factories.a_callback(session, soon, customer=found[1])
    return found


def known(store) -> set[str]:
    with store.unit() as session:
        return {phone for phone in PHONES if customer_records.find_by_phone(session, phone)}


def work(store, job, now) -> None:
    with store.unit() as session:
        job(session, now)


def test_nobody_goes_before_their_time_and_everybody_at_it(store, clock, three):
    job = retention.RetentionJob(DAYS)
    ends = store.all(select(Callback).order_by(Callback.ends_at))[0].ends_at
    work(store, job, ends + DAYS)
    assert known(store) == set(PHONES)
    work(store, job, ends + DAYS + timedelta(seconds=1))
    assert known(store) == set(PHONES)  # it looks four times a day
    work(store, job, ends + DAYS + retention.INTERVAL)
    assert known(store) == set(PHONES[1:])
    work(store, job, ends + timedelta(days=100))
    assert known(store) == set(PHONES[2:])


def test_a_report_counts_as_the_customer_being_there(store, clock, three):
    later = clock.now + timedelta(days=20)
    with store.unit() as session:
        submission.submit_for_reference(
            session, report_fields.ReportSubmission(PHONES[0], "web", said="they knew all"), later
        )
    with store.unit() as session:
        assert retention.list_expired_customers(session, clock.now + timedelta(days=10)) == []
        assert retention.list_expired_customers(session, later + timedelta(seconds=1)) == [
            three[0].id
        ]


def test_of_the_erased_nothing_is_left_that_says_who_they_were(store, clock, three):
    call = factories.a_call(store, clock.now, "+447400300009")
    with store.unit() as session:
        made = customer_records.find_by_phone(session, "+447400300009")
        customer_preferences.save_safe_phrase(session, made, "blue teapot", clock.now)
        told = report_fields.ReportSubmission("+447400300009", "web", said="my name is Gwen")
        submission.submit_for_reference(session, told, clock.now)
        index = made.phone_index
    before = rows(store)
    with store.unit() as session:
        erasure.erase_customers(session, [made.id], audit_log.OPERATOR, clock.now, "test")
    after = rows(store)
    assert not any(index in row for table in after.values() for row in table)
    for table in ("customer", "callback", "report"):
        gone = before[table] - after[table]
        assert len(gone) == 1
        (old,) = gone
        sealed = {value for value in old if isinstance(value, bytes) and len(value) > 16}
        kept = {value for row in after[table] for value in row}
        shown_number_and_knew = 2 if table == "report" else 0
        assert len(sealed & kept) == shown_number_and_knew
    assert store.all(select(CustomerSession)) == []
    with store.unit() as session:
        assert session.get(DataKey, made.id) is None
        opened = customer_records.open_customer_details(session, session.get_one(Customer, made.id))
        assert (opened.name, opened.phone) == ("", "")
        callback = session.get_one(Callback, call.callback_id)
        assert callback_fields.decrypt_topic_and_ticket(session, callback) == ("", "")
        assert report_list.list_latest_reports(session, audit_log.SYSTEM, clock.now)[0].said == ""
    assert before["audit_entry"] <= rows(store)["audit_entry"]
    (entry,) = store.all(select(AuditEntry).where(AuditEntry.action == "customer.erase"))
    assert entry.customer_id == made.id


def test_a_number_that_was_erased_can_be_somebody_elses(store, clock, three):
    with store.unit() as session:
        erasure.erase_customers(session, [three[2].id], audit_log.OPERATOR, clock.now, "test")
    with store.unit() as session:
        again = factories.a_customer(session, clock.now, PHONES[2])
    assert again.id != three[2].id
    with store.unit() as session:
        erasure.erase_customers(session, [three[2].id], audit_log.OPERATOR, clock.now, "test")
    assert known(store) == set(PHONES)


def test_a_callback_of_somebody_erased_is_not_booked_again(store, clock, three):
    with store.unit() as session:
        (callback,) = session.exec(select(Callback).where(Callback.customer_id == three[0].id))
        cancellations.cancel_booked_callback(session, callback, POLICY, clock.now)
        erasure.erase_customers(session, [three[0].id], audit_log.OPERATOR, clock.now, "test")
    with store.unit() as session, pytest.raises(WrongState, match="customer_data_gone"):
        held = callback_rows.lock_callback(session, callback.id)
        at = (clock.now + timedelta(hours=3)).replace(second=0, microsecond=0)
        time_changes.rebook_callback(session, held, at, POLICY, clock.now)


@pytest.mark.both
def test_who_is_booked_at_that_moment_stays(store, clock, three):
    """No matter which job wins, nobody ends up erased with a call to come."""
    later = clock.now + timedelta(days=90)

    def forget() -> None:
        with store.unit() as session:
            job = retention.RetentionJob(DAYS)
            job(session, later)

    def book() -> bool:
        try:
            with store.unit() as session:
                customer = customer_records.find_by_phone(session, PHONES[0])
                if customer is None:
                    return False
                agent = factories.an_agent(session, later)
                at = later + timedelta(hours=2)
                wish = bookings.BookingRequest(
                    at.replace(minute=0, second=0, microsecond=0), 15, "x"
                )
                bookings.book_callback(session, customer, agent.id, wish, POLICY, later)
        except Exception as error:  # its key may be gone by then
            return "key" not in str(error) and "gone" not in str(error)
        return True

    booked, *_ = at_once([book, forget], lambda: store.engine.dispose(close=False))
    with store.unit() as session:
        row = session.get_one(Customer, three[0].id)
        coming = session.exec(select(Callback).where(Callback.starts_at > later)).all()
        assert len(coming) == (1 if booked else 0)
        assert (row.erased_at is None) == bool(booked)


def test_the_report_of_somebody_unknown_stays(store, clock, three):
    with store.unit() as session:
        submission.submit_for_reference(
            session, report_fields.ReportSubmission("+447400399999", "web", said="x"), clock.now
        )
        erasure.erase_customers(
            session, [item.id for item in three], audit_log.OPERATOR, clock.now, "test"
        )
    (report,) = store.all(select(Report))
    assert report.said != b""
