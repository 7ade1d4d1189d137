"""A report is stored, once; proof counts for more, and a stranger adds nothing to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlmodel import select

from incidents.cases import report_list
from incidents.reports import report_fields, report_view, submission
from incidents.reports.models import Report
from incidents.reports.report_fields import ReportSubmission
from people.errors import InvalidInput
from tests import factories
from tests.databases import Store
from tests.processes import at_once
from vault.audit import audit_log
from vault.models import AuditEntry

NOW = datetime(2026, 11, 24, 10, 0, 30, tzinfo=UTC)
PHONE = factories.PHONE


def filed(store: Store, at: datetime = NOW, channel: str = "web", **told) -> str:
    with store.unit() as session:
        return submission.submit_for_reference(
            session, ReportSubmission(PHONE, channel, **told), at
        )


def read(store: Store, reference: str) -> report_view.ReportView:
    with store.unit() as session:
        found = report_list.list_latest_reports(session, audit_log.SYSTEM, NOW)
        return next(item for item in found if item.reference == reference)


def test_all_that_was_told_is_read_again(store):
    reference = filed(
        store,
        called_at=NOW - timedelta(hours=2),
        shown_number="+44 20 7946 0000",
        said="They wanted gift cards.",
        knew=["ticket", "name", "nonsense"],
        claimed_to_be="your bank",
        asked_for=["money", "code", "nothing"],
        gave=["nothing"],
        tell_me=True,
    )
    found = read(store, reference)
    assert found.called_at == NOW - timedelta(hours=2)
    assert (found.shown_number, found.said) == ("+44 20 7946 0000", "They wanted gift cards.")
    assert (found.knew, found.claimed_to_be) == (("name", "ticket"), "your bank")
    assert (found.asked_for, found.gave) == (("code", "money"), ("nothing",))
    assert (found.proven, found.times, found.doubtful) == (False, 1, False)


def test_the_same_again_within_the_hour_adds_to_its_own_report(store):
    first = filed(store, knew=["name"])
    again = filed(store, NOW + timedelta(minutes=59), knew=["ticket"], shown_number="020 7946 0000")
    assert again == first
    found = read(store, first)
    assert (found.times, found.knew) == (2, ("name", "ticket"))
    assert found.shown_number == "020 7946 0000"
    assert filed(store, NOW + timedelta(minutes=61)) != first


@pytest.mark.parametrize(
    ("before", "later"),
    [
        ({"shown_number": "+44 20 7946 0000"}, {"shown_number": "+44 20 7946 0001"}),
        ({"shown_number": "+44 20 7946 0000"}, {"number_hidden": True}),
        ({"number_hidden": True}, {"shown_number": "+44 20 7946 0000"}),
        ({"claimed_to_be": "us"}, {"claimed_to_be": "the police"}),
        ({"said": "gift cards"}, {"said": "a parcel"}),
        ({"called_at": NOW - timedelta(hours=3)}, {"called_at": NOW}),
    ],
    ids=str,
)
def test_what_is_of_another_call_is_another_report(store, before, later):
    first = filed(store, **before)
    assert filed(store, NOW + timedelta(minutes=5), **later) != first
    assert len(store.all(select(Report))) == 2


@pytest.mark.parametrize(
    ("before", "later"),
    [
        ({"shown_number": "+44 20 7946 0000"}, {"shown_number": "(+44) 20-79460000"}),
        ({"called_at": NOW}, {"called_at": NOW - timedelta(minutes=50)}),
        ({"said": "Gift cards"}, {"said": "gift  cards"}),
    ],
    ids=str,
)
def test_the_same_in_other_words_is_the_same(store, before, later):
    first = filed(store, **before)
    assert filed(store, NOW + timedelta(minutes=5), **later) == first


def test_a_stranger_adds_nothing_to_what_came_from_the_number_itself(store):
    own = filed(store, channel="text", proven=True)
    other = filed(store, NOW + timedelta(minutes=1), shown_number="+44 20 7946 0000")
    assert other != own
    assert read(store, own).shown_number == ""


def test_a_number_that_proves_itself_within_a_day_proves_what_was_reported_of_it(store):
    early = filed(store, NOW - timedelta(hours=25))
    late = filed(store, NOW - timedelta(hours=23))
    doubtful = filed(store, NOW - timedelta(hours=1), doubtful=True)
    with store.unit() as session:
        submission.mark_reports_proven(session, PHONE, NOW)
        submission.mark_reports_proven(session, PHONE, NOW)
    assert [read(store, item).proven for item in (early, late, doubtful)] == [False, True, False]
    done = store.all(select(AuditEntry).where(AuditEntry.action == "report.prove"))
    assert len(done) == 1


def test_a_text_from_the_number_proves_and_adds_to_what_its_owner_typed_just_before(store):
    typed = filed(store, knew=["name"])
    texted = filed(store, NOW + timedelta(minutes=3), channel="text", proven=True)
    assert texted == typed
    assert read(store, typed).proven


def test_a_refused_call_is_never_added_to_another_report(store):
    first = filed(store, channel="text", proven=True)
    with store.unit() as session:
        callback = factories.a_callback(session, NOW)
        told = ReportSubmission(
            PHONE, "text", proven=True, kind=report_fields.REFUSED, callback_id=callback.id
        )
        assert submission.submit_for_reference(session, told, NOW) != first


@pytest.mark.parametrize("field", ["said", "shown_number", "claimed_to_be"])
@pytest.mark.parametrize("value", ["x" * 1001, "a\x00b"], ids=["long", "zero"])
def test_what_cannot_be_kept_is_refused_and_nothing_changed(store, field, value):
    with pytest.raises(InvalidInput) as refused:
        filed(store, **{field: value})
    assert refused.value.field == field
    assert store.all(select(Report)) == []


@pytest.mark.parametrize(
    "called_at", [datetime.min.replace(tzinfo=UTC), NOW - timedelta(days=367), NOW + timedelta(1)]
)
def test_a_call_of_long_ago_or_to_come_is_refused_and_changes_no_earlier_report(store, called_at):
    first = filed(store)
    with pytest.raises(InvalidInput, match="call_time_out_of_range"):
        filed(store, called_at=called_at)
    assert read(store, first).called_at is None


def test_a_call_of_a_year_ago_is_kept(store):
    assert read(store, filed(store, called_at=NOW - timedelta(days=365))).called_at is not None


def test_the_latest_told_stands_first(store):
    filed(store, NOW)
    with store.unit() as session:
        submission.submit_for_reference(
            session, ReportSubmission("+447400123999", "web"), NOW - timedelta(hours=1)
        )
        found = report_list.list_latest_reports(session, audit_log.SYSTEM, NOW)
    assert [item.at for item in found] == [NOW, NOW - timedelta(hours=1)]


def test_one_number_reported_over_and_over_counts_for_little_and_silences_nobody(store):
    for n in range(12):
        filed(store, shown_number=f"020 7946 00{n:02d}")
    rows = store.all(select(Report).order_by(Report.id))
    assert [row.doubtful for row in rows] == [False] * 10 + [True] * 2
    own = read(store, filed(store, NOW + timedelta(minutes=1), channel="text", proven=True))
    assert (own.proven, own.doubtful) == (True, False)
    assert not read(store, filed(store, NOW + timedelta(hours=25))).doubtful


@pytest.mark.both
def test_a_form_sent_many_times_at_once_makes_one_report(store):
    references = at_once([partial(filed, store) for _ in range(8)], store.engine.dispose)
    assert len(set(references)) == 1
    (report,) = store.all(select(Report))
    assert report.times == 8
