"""What belongs together becomes one case, whoever finds it and however often."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from sqlmodel import col, select

from incidents.access import budget_cases
from incidents.anomaly_detection import access_cases
from incidents.anomaly_detection.detector import Finding, Window
from incidents.anomaly_detection.staff_profile import Signal
from incidents.cases.creation import Evidence, raise_case
from incidents.cases.models import Case, CaseEvidence, CaseStep, CaseSubject, Kind, State
from people.errors import BudgetSpent
from tests import factories
from tests.databases import opened
from vault.keys import keyring
from vault.models import AuditEntry

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
FOLD = "budget:ana:2026-11-24"


def evidence(ref: str) -> Evidence:
    return Evidence("audit", ref, NOW, facts={"customers": 41, "allowed": 40})


def test_evidence_about_the_same_thing_is_added_to_the_open_case(store):
    with store.unit() as session:
        ana = factories.an_agent(session, NOW)
        first = raise_case(session, Kind.BUDGET, FOLD, [evidence("1")], NOW, subjects=[ana.id])
        again = raise_case(
            session, Kind.BUDGET, FOLD, [evidence("1"), evidence("2")], NOW, subjects=[ana.id]
        )
        other = raise_case(session, Kind.BUDGET, "budget:ben", [evidence("1")], NOW)
    assert first.id == again.id != other.id
    held = store.all(select(CaseEvidence.ref).where(col(CaseEvidence.case_id) == first.id))
    assert sorted(held) == ["1", "2"]
    assert store.all(select(CaseSubject.staff_id)) == [ana.id]
    assert len(store.all(select(CaseStep).where(col(CaseStep.case_id) == first.id))) == 1


def test_a_closed_case_takes_no_more(store):
    with store.unit() as session:
        first = raise_case(session, Kind.CANARY, FOLD, [evidence("1")], NOW)
        first.state, first.fold = State.CLOSED, None
        session.add(first)
        session.flush()
        second = raise_case(session, Kind.CANARY, FOLD, [evidence("2")], NOW)
    assert first.id != second.id


def test_each_step_is_audited_under_the_case_and_its_words_are_sealed(store):
    with store.unit() as session:
        case = raise_case(session, Kind.ACCESS, FOLD, [evidence("1")], NOW)
    entries = store.all(select(AuditEntry).where(col(AuditEntry.purpose) == case.reference))
    assert [each.action for each in entries] == ["case.opened", "case.evidence"]
    with store.unit() as session:
        step = session.exec(select(CaseStep)).one()
        place = f"case_step.words:{step.id}"
        assert keyring.of(session).open_for(keyring.REPORTS, place, step.words) == ""


def test_many_at_once_open_one_case(store):
    def one(number: int) -> None:
        mine = opened(store.url)
        with mine.unit() as session:
            raise_case(session, Kind.CALLS, "wave", [evidence(str(number))], NOW)
        mine.engine.dispose()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(16)))
    assert len(store.all(select(Case))) == 1
    assert len(store.all(select(CaseEvidence))) == 16


def test_a_spent_budget_and_the_watch_of_one_day_make_one_case(store):
    seen = Finding(Signal.MISSED, Window.HOUR, 10, 0.5, NOW, 1e-6, 0.5, 0.5)
    for first, then in ((0, 1), (1, 0)):
        with store.unit() as session:
            who = factories.an_agent(session, NOW).id
            spent = BudgetSpent(who, "missed", 10, timedelta(hours=1), 10, timedelta(minutes=5))
            acts = (
                lambda at, s=session, b=spent: budget_cases.file(s, b, at),
                lambda at, s=session, w=who: access_cases.tell(s, w, [seen], at),
            )
            acts[first](NOW)
            acts[then](NOW + timedelta(minutes=5))
            mine = select(CaseSubject.case_id).where(col(CaseSubject.staff_id) == who)
            assert len(session.exec(mine).all()) == 1
            acts[then](NOW + timedelta(days=1))
            assert len(session.exec(mine).all()) == 2
