"""Reporters get the outcome: once, only if they asked, only where we know the number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from incidents.reports import reporter_feedback, submission
from incidents.reports.models import Report
from incidents.reports.report_fields import ReportSubmission
from messaging import line_types, report_texts, segments
from messaging.dispatch.worker import Worker
from messaging.models import OutboxMessage
from messaging.providers.simulator.sms import SimulatorSmsProvider
from people.errors import InvalidInput
from tests import factories

NOW = datetime(2026, 11, 24, 10, 0, 30, tzinfo=UTC)
PHONE = factories.PHONE


def told(store, at: datetime = NOW, *, wanted: bool = True, key: str = "not_us") -> None:
    with store.unit() as session:
        report = submission.submit_report(
            session, ReportSubmission(PHONE, "web", tell_me=wanted), at
        )
        reporter_feedback.record_report_outcome(session, report, key, at)
    for _ in range(2):
        with store.unit() as session:
            reporter_feedback.queue_feedback_texts(session, factories.a_policy(), at)


def a_customer(store) -> None:
    with store.unit() as session:
        factories.a_customer(session, NOW, PHONE)


def texts(store) -> list[OutboxMessage]:
    return store.all(select(OutboxMessage).where(OutboxMessage.kind == "outcome"))


def test_a_customer_who_wanted_to_know_is_told_once(store):
    a_customer(store)
    told(store)
    assert len(texts(store)) == 1
    Worker(
        store.engine, store.ring, [SimulatorSmsProvider(store.engine, store.ring)], lambda: NOW
    ).run_once()
    with store.unit() as session:
        (sent,) = _texts(session)
    assert "NOT from us" in sent
    (row,) = store.all(select(Report))
    assert row.told_at == NOW


def _texts(session) -> list[str]:
    from messaging.providers.simulator import message_store

    return [text["body"] for text in message_store.list_simulated_texts(session, NOW, PHONE)]


def test_nobody_is_told_who_did_not_ask(store):
    a_customer(store)
    told(store, wanted=False)
    assert texts(store) == []


def test_a_number_that_is_nobodys_waits_until_we_know_it(store):
    told(store)
    assert texts(store) == []
    a_customer(store)
    with store.unit() as session:
        reporter_feedback.queue_feedback_texts(
            session, factories.a_policy(), NOW + timedelta(days=1)
        )
    assert len(texts(store)) == 1


def test_the_first_outcome_counts(store):
    a_customer(store)
    told(store, key="found")
    with store.unit() as session:
        (report,) = session.exec(select(Report))
        reporter_feedback.record_report_outcome(session, report, "ours", NOW)
    (row,) = store.all(select(Report))
    assert row.outcome == "found"
    assert len(texts(store)) == 1


def test_at_night_it_waits_for_the_morning(store):
    a_customer(store)
    told(store, NOW.replace(hour=23))
    assert texts(store)[0].due_at == datetime(2026, 11, 25, 8, tzinfo=UTC)


def test_a_landline_is_not_rung_out_of_the_blue(store):
    a_customer(store)
    with store.unit() as session:
        line_types.record_line_type(session, PHONE, line_types.LANDLINE, NOW)
    told(store)
    assert texts(store) == []


def test_an_outcome_that_is_none_is_refused(store):
    with store.unit() as session:
        report = submission.submit_report(
            session, ReportSubmission(PHONE, "web", tell_me=True), NOW
        )
        with pytest.raises(InvalidInput):
            reporter_feedback.record_report_outcome(session, report, "guilty", NOW)


@pytest.mark.parametrize("key", report_texts.REPORT_OUTCOMES)
def test_every_outcome_fits_one_segment_and_holds_no_link(key):
    text = report_texts.text_report_outcome(
        factories.a_policy().message_context_for(), "R2345678", key
    )
    assert segments.count_segments(text) == 1
    assert "http" not in text
    assert text.startswith("Example Bank: Your report R2345678")
