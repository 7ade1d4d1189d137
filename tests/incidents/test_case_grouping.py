"""Reports that belong together become one case, and what was put together wrongly comes apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import col, select

from incidents.cases import merge_split, workflow
from incidents.cases.creation import NewEvidence, add_case_subjects, open_or_extend_case
from incidents.cases.models import (
    Case,
    CaseEvidence,
    CaseKind,
    CaseState,
    CaseSubject,
    GroupedReport,
)
from incidents.grouping.job import SETTLING_TIME, GroupingJob
from incidents.grouping.similarity import (
    COMPARISON_WINDOW,
    GROUPING_THRESHOLD,
    ReportFeatures,
    build_report_features,
    score_similarity,
)
from incidents.reports import report_fields, submission
from people.errors import InvalidInput, NotAllowed
from tests import factories
from tests.databases import opened
from tests.processes import at_once

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
SCRIPT = "your router sends spam, our technician must connect with your computer today"


def call(hours: float = 0, **more) -> ReportFeatures:
    given = {
        "shown_number": "",
        "hidden": False,
        "said": "",
        "knew": (),
        "asked_for": (),
        "claimed_to_be": "",
    }
    return build_report_features(NOW + timedelta(hours=hours), **(given | more))


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ({"shown_number": "020 7946 0999"}, {"shown_number": "+44 20 7946 0999"}, True),
        ({"shown_number": "020 7946 0999"}, {"shown_number": "020 7946 0111"}, False),
        ({"shown_number": "12"}, {"shown_number": "12"}, False),
        ({"said": SCRIPT}, {"said": SCRIPT.upper() + " please"}, True),
        ({"said": SCRIPT}, {"said": "you have won a holiday, send money for the fee now"}, False),
        ({"said": "hello"}, {"said": "hello"}, False),
        # Knowing what only we should know, at the same time, in the same name.
        (
            {"knew": ["name", "ticket"], "claimed_to_be": "Example Bank", "asked_for": ["remote"]},
            {"knew": ["ticket", "name"], "claimed_to_be": "example bank", "asked_for": ["remote"]},
            True,
        ),
        ({"knew": ["name", "phone"]}, {"knew": ["name", "phone"]}, False),
        ({}, {}, False),
        ({"hidden": True}, {"hidden": True}, False),
    ],
)
def test_what_is_alike(one, other, together):
    assert (score_similarity(call(**one), call(1, **other)) >= GROUPING_THRESHOLD) is together


@given(
    st.builds(
        dict,
        shown_number=st.sampled_from(["", "+442079460999", "+442079460111"]),
        hidden=st.booleans(),
        said=st.sampled_from(["", SCRIPT, "hello there my friend from the bank"]),
        knew=st.lists(st.sampled_from(report_fields.KNEW)),
        asked_for=st.lists(st.sampled_from(report_fields.ASKED_FOR)),
    ),
    st.floats(-1000, 1000),
)
def test_likeness_is_the_same_both_ways_and_ends_with_the_window(told, hours):
    one, other = call(**told), call(hours, said=SCRIPT, shown_number="+442079460999")
    assert score_similarity(one, other) == score_similarity(other, one)
    if abs(hours) > COMPARISON_WINDOW / timedelta(hours=1):
        assert score_similarity(one, other) == float("-inf")


def filed(store, at: datetime = NOW, **more) -> UUID:
    with store.unit() as session:
        told = report_fields.ReportSubmission(factories.a_phone(), "web", **more)
        return submission.submit_report(session, told, at).id


def grouped(store, now: datetime, job: GroupingJob | None = None) -> list[Case]:
    with store.unit() as session:
        (job or GroupingJob())(session, now)
    return store.all(select(Case).order_by(col(Case.id)))


def refs(store, case: Case) -> set[str]:
    return set(store.all(select(CaseEvidence.ref).where(col(CaseEvidence.case_id) == case.id)))


LATER = NOW + SETTLING_TIME


def test_reports_of_one_campaign_become_one_case_as_they_come(store):
    job = GroupingJob()
    first, other = filed(store, shown_number="020 7946 0999"), filed(store, said="a wrong number")
    assert grouped(store, NOW + timedelta(minutes=1), job) == []  # may still be added to
    assert grouped(store, LATER, job) == []
    second = filed(store, LATER, shown_number="+442079460999", said=SCRIPT)
    (case,) = grouped(store, LATER + SETTLING_TIME, job)
    assert case.kind == CaseKind.CALLS
    assert refs(store, case) == {str(first), str(second)}
    third = filed(store, LATER + SETTLING_TIME, said=SCRIPT, shown_number="+442079460999")
    (case,) = grouped(store, LATER + 2 * SETTLING_TIME, GroupingJob())  # another worker
    assert refs(store, case) == {str(first), str(second), str(third)}
    lone = store.all(select(GroupedReport.report_id).where(col(GroupedReport.case_id).is_(None)))
    assert lone == [other]


def test_two_campaigns_become_two_cases(store):
    for _ in range(3):
        filed(store, shown_number="020 7946 0999", knew=["name"])
        filed(store, shown_number="020 7946 0111", said=SCRIPT, knew=["ticket"])
    one, two = grouped(store, LATER)
    assert len(refs(store, one)) == len(refs(store, two)) == 3


def test_what_a_program_filled_in_groups_nothing(store):
    for _ in range(3):
        filed(store, shown_number="020 7946 0999", doubtful=True)
    assert grouped(store, LATER) == []


@pytest.mark.both
def test_many_workers_put_each_report_in_one_place(store):
    for _ in range(6):
        filed(store, shown_number="020 7946 0999")

    def work() -> None:
        mine = opened(store.url, wait_seconds=60)
        with mine.unit() as session:
            GroupingJob()(session, LATER)

    at_once([work] * 4, lambda: store.engine.dispose(close=False))
    (case,) = store.all(select(Case))
    assert len(refs(store, case)) == 6


def test_a_closed_case_is_joined_by_nothing_more(store):
    for _ in range(2):
        filed(store, shown_number="020 7946 0999")
    (case,) = grouped(store, LATER)
    ines = held_by_ines(store, case.reference)
    with store.unit() as session:
        workflow.decide_case_outcome(
            session, case.reference, ines, "no_leak", "no leak to be found", LATER
        )
        workflow.close_decided_case(session, case.reference, ines, "it belongs together", LATER)
    for _ in range(2):
        filed(store, LATER, shown_number="020 7946 0999")
    one, two = grouped(store, LATER + SETTLING_TIME)
    assert len(refs(store, one)) == len(refs(store, two)) == 2


def held_by_ines(store, *references: str) -> UUID:
    with store.unit() as session:
        ines = factories.an_agent(session, NOW, role="investigator").id
        for reference in references:
            workflow.claim_case(session, reference, ines, NOW)
        return ines


def two_cases(store) -> tuple[Case, Case, UUID]:
    for _ in range(2):
        filed(store, shown_number="020 7946 0999")
        filed(store, shown_number="020 7946 0111")
    one, two = grouped(store, LATER)
    return one, two, held_by_ines(store, one.reference)


def test_joining_takes_all_and_can_be_undone(store):
    one, two, ines = two_cases(store)
    before = refs(store, one), refs(store, two)
    with store.unit() as session:
        ana = factories.an_agent(session, NOW).id
        add_case_subjects(session, session.get(Case, two.id), [ana], NOW)
        merge_split.merge_cases(
            session, one.reference, two.reference, ines, "one script for both", LATER
        )
    assert refs(store, one) == before[0] | before[1]
    assert refs(store, two) == set()
    closed = store.all(select(Case).where(col(Case.id) == two.id))[0]
    assert (closed.state, closed.outcome) == (CaseState.CLOSED, "joined")
    named = store.all(select(CaseSubject.case_id).where(col(CaseSubject.staff_id) == ana))
    assert set(named) == {one.id, two.id}
    with store.unit() as session:
        merge_split.undo_case_merge(
            session, one.reference, two.reference, ines, "no, they are two", LATER
        )
    assert (refs(store, one), refs(store, two)) == before
    assert store.all(select(Case).where(col(Case.id) == two.id))[0].state == CaseState.OPEN


def test_what_was_split_off_stays_apart_and_can_be_joined_again(store):
    for _ in range(4):
        filed(store, shown_number="020 7946 0999")
    (case,) = grouped(store, LATER)
    ines = held_by_ines(store, case.reference)
    rows = store.all(select(CaseEvidence).order_by(col(CaseEvidence.id)))
    with store.unit() as session:
        ids = [rows[0].id, rows[1].id]
        fresh = merge_split.split_case_evidence(
            session, case.reference, ids, ines, "of another caller", LATER
        )
    assert refs(store, fresh) == {rows[0].ref, rows[1].ref}
    assert len(grouped(store, LATER + SETTLING_TIME)) == 2  # the job does not put them back
    assert refs(store, fresh) == {rows[0].ref, rows[1].ref}
    with store.unit() as session:
        merge_split.merge_cases(
            session, case.reference, fresh.reference, ines, "yes, they are one", LATER
        )
    assert len(refs(store, case)) == 4


@pytest.mark.parametrize("what", ["all", "none", "others", "self", "gone", "not mine"])
def test_what_cannot_be_joined_or_split_changes_nothing(store, what):
    one, two, ines = two_cases(store)
    before = refs(store, one), refs(store, two)
    rows = store.all(select(CaseEvidence))
    mine = [row.id for row in rows if row.case_id == one.id]
    theirs = [row.id for row in rows if row.case_id == two.id]

    def act(session) -> None:
        if what in ("all", "none", "others"):
            parts = {"all": mine, "none": [], "others": theirs}[what]
            merge_split.split_case_evidence(
                session, one.reference, parts, ines, "it belongs together", LATER
            )
        elif what == "not mine":
            merge_split.merge_cases(
                session, two.reference, one.reference, ines, "it belongs together", LATER
            )
        else:
            other = one.reference if what == "self" else "C2222222"
            merge_split.merge_cases(
                session, one.reference, other, ines, "it belongs together", LATER
            )

    with pytest.raises((InvalidInput, NotAllowed)), store.unit() as session:
        act(session)
    assert (refs(store, one), refs(store, two)) == before


def test_the_same_evidence_in_both_counts_once(store):
    with store.unit() as session:
        one = open_or_extend_case(
            session, CaseKind.ACCESS, "a", [NewEvidence("audit", "1", NOW)], NOW
        )
        two = open_or_extend_case(
            session, CaseKind.ACCESS, "b", [NewEvidence("audit", n, NOW) for n in "12"], NOW
        )
    ines = held_by_ines(store, one.reference)
    with store.unit() as session:
        merge_split.merge_cases(
            session, one.reference, two.reference, ines, "it belongs together", NOW
        )
    assert refs(store, one) == {"1", "2"}
    with store.unit() as session:
        merge_split.undo_case_merge(
            session, one.reference, two.reference, ines, "it belongs together", NOW
        )
    assert (refs(store, one), refs(store, two)) == ({"1"}, {"1", "2"})
