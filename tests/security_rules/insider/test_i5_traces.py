"""I5: nobody reads a ranking that says something about themself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel import col, select

from incidents.cases import workflow
from incidents.cases.creation import NewEvidence, open_or_extend_case
from incidents.cases.models import Case, CaseKind, CaseState, CaseSubject
from incidents.leak_tracing import service
from incidents.reports import report_fields, submission
from people.errors import NotFound
from people.models import Role
from tests import factories
from tests.channels.conftest import Console, make_console
from tests.incidents.leak_tracing.stores import LOOKED, NOW, a_scene, report
from vault.audit import audit_log


@pytest.fixture
def scene(store):
    """The investigator's own access fits the calls best."""
    made = a_scene(store)
    report(made, made.staff[-1])
    return made


def test_a_leading_investigator_is_not_shown_the_ranking(scene):
    with pytest.raises(service.RankingNamesReader), scene.store.unit() as session:
        service.trace_recent_signals(session, scene.staff[-1], NOW)


def test_the_case_goes_on_with_another(scene):
    named = scene.staff[-1]
    with scene.store.unit() as session:
        other = factories.an_agent(session, LOOKED, role=Role.INVESTIGATOR).id
        workflow.claim_case(session, scene.reference, named, NOW)
    with scene.store.unit() as session:
        assert service.trace_case_signals(session, scene.reference, named, NOW) is None
    case = scene.store.all(select(Case).where(col(Case.reference) == scene.reference))[0]
    assert (case.state, case.taken_by) == (CaseState.OPEN, None)
    assert scene.store.all(select(CaseSubject.staff_id)) == [named]
    with pytest.raises(NotFound), scene.store.unit() as session:
        service.trace_case_signals(session, scene.reference, named, NOW)
    with scene.store.unit() as session:
        found = service.trace_case_signals(session, scene.reference, other, NOW)
    assert found is not None
    assert found.rows[0].source == str(named)


def test_an_investigator_it_says_nothing_about_reads_on(scene):
    with scene.store.unit() as session:
        other = factories.an_agent(session, LOOKED, role=Role.INVESTIGATOR).id
        assert service.trace_case_signals(session, scene.reference, other, NOW) is not None
    assert scene.store.all(select(CaseSubject.staff_id)) == []


@pytest.fixture
def console(database: str, tmp_path: Path) -> Iterator[Console]:
    made = make_console(database, tmp_path)
    yield made
    made.context.engine.dispose()


def test_the_page_shows_them_nothing(console):
    named = console.member("ines@example.org", Role.INVESTIGATOR)
    console.member("ivo@example.org", Role.INVESTIGATOR)
    reference = _a_case_that_points_at(console, named)
    answer = console.sign_in("ines@example.org").get(f"/staff/cases/{reference}/trace")
    assert answer.status_code == 200
    assert "another investigator" in answer.text
    assert "Ines Silva" not in answer.text.split("<main")[1]
    assert console.sign_in("ines@example.org").get(f"/staff/cases/{reference}").status_code == 404
    page = console.sign_in("ivo@example.org").get(f"/staff/cases/{reference}/trace")
    assert page.status_code == 200
    assert "Ines Silva leads." in page.text
    assert "not a verdict" in page.text


def _a_case_that_points_at(console: Console, named: UUID) -> str:
    """All customers that ``named`` had seen report; other staff had seen other customers."""
    with console.unit() as session:
        evidence = []
        readers = [factories.an_agent(session, console.now).id for _ in range(5)]
        for n in range(60):
            phone = factories.a_phone()
            customer = factories.a_customer(session, console.now, phone)
            looked, at = (console.now - timedelta(days=days) for days in (9, 2))
            who = audit_log.staff_actor([named, *readers][n % 6])
            audit_log.record_act(session, who, "customer.read", looked, customer_id=customer.id)
            if n % 6 == 0:
                told = report_fields.ReportSubmission(phone, "text", proven=True, called_at=at)
                report_id = submission.submit_report(session, told, console.now).id
                evidence.append(NewEvidence("report", str(report_id), at, customer.id))
        return open_or_extend_case(session, CaseKind.CALLS, "x", evidence, console.now).reference
