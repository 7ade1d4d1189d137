"""What belongs together becomes one case, no matter who finds it and how often."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import col, select

from incidents.access import budget_cases
from incidents.anomaly_detection import access_cases
from incidents.anomaly_detection.detector import Finding, Window
from incidents.anomaly_detection.staff_profile import Indicator
from incidents.cases.creation import NewEvidence, open_or_extend_case
from incidents.cases.models import Case, CaseEvent, CaseEvidence, CaseKind, CaseState, CaseSubject
from people.errors import BudgetExceeded
from tests import factories
from tests.databases import opened
from vault.keys import keyring
from vault.models import AuditEntry

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
FOLD = "budget:ana:2026-11-24"


def evidence(ref: str) -> NewEvidence:
    return NewEvidence("audit", ref, NOW, facts={"customers": 41, "allowed": 40})


def test_evidence_about_the_same_thing_is_added_to_the_open_case(store):
    with store.unit() as session:
        ana = factories.an_agent(session, NOW)
        first = open_or_extend_case(
            session, CaseKind.BUDGET, FOLD, [evidence("1")], NOW, subjects=[ana.id]
        )
        again = open_or_extend_case(
            session, CaseKind.BUDGET, FOLD, [evidence("1"), evidence("2")], NOW, subjects=[ana.id]
        )
        other = open_or_extend_case(session, CaseKind.BUDGET, "budget:ben", [evidence("1")], NOW)
    assert first.id == again.id != other.id
    held = store.all(select(CaseEvidence.ref).where(col(CaseEvidence.case_id) == first.id))
    assert sorted(held) == ["1", "2"]
    assert store.all(select(CaseSubject.staff_id)) == [ana.id]
    assert len(store.all(select(CaseEvent).where(col(CaseEvent.case_id) == first.id))) == 1


def test_a_closed_case_takes_no_more(store):
    with store.unit() as session:
        first = open_or_extend_case(session, CaseKind.CANARY, FOLD, [evidence("1")], NOW)
        first.state, first.fold = CaseState.CLOSED, None
        session.add(first)
        session.flush()
        second = open_or_extend_case(session, CaseKind.CANARY, FOLD, [evidence("2")], NOW)
    assert first.id != second.id


def test_each_step_is_audited_under_the_case_and_its_words_are_sealed(store):
    with store.unit() as session:
        case = open_or_extend_case(session, CaseKind.ACCESS, FOLD, [evidence("1")], NOW)
    entries = store.all(select(AuditEntry).where(col(AuditEntry.purpose) == case.reference))
    assert [entry.action for entry in entries] == ["case.opened", "case.evidence"]
    with store.unit() as session:
        step = session.exec(select(CaseEvent)).one()
        place = f"case_step.words:{step.id}"
        assert (
            keyring.current_keyring(session).open_for_purpose(keyring.REPORTS, place, step.words)
            == ""
        )


@pytest.mark.both
def test_many_at_once_open_one_case(store):
    def one(number: int) -> None:
        mine = opened(store.url)
        with mine.unit() as session:
            open_or_extend_case(session, CaseKind.CALLS, "wave", [evidence(str(number))], NOW)
        mine.engine.dispose()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(16)))
    assert len(store.all(select(Case))) == 1
    assert len(store.all(select(CaseEvidence))) == 16


def test_a_spent_budget_and_the_watch_of_one_day_make_one_case(store):
    seen = Finding(Indicator.MISSED, Window.HOUR, 10, 0.5, NOW, 1e-6, 0.5, 0.5)
    for first, then in ((0, 1), (1, 0)):
        with store.unit() as session:
            who = factories.an_agent(session, NOW).id
            spent = BudgetExceeded(who, "missed", 10, timedelta(hours=1), 10, timedelta(minutes=5))
            acts = (
                lambda at, s=session, b=spent: budget_cases.open_budget_case(s, b, at),
                lambda at, s=session, w=who: access_cases.open_access_case(s, w, [seen], at),
            )
            acts[first](NOW)
            acts[then](NOW + timedelta(minutes=5))
            mine = select(CaseSubject.case_id).where(col(CaseSubject.staff_id) == who)
            assert len(session.exec(mine).all()) == 1
            acts[then](NOW + timedelta(days=1))
            assert len(session.exec(mine).all()) == 2
