"""I5: somebody a case names sees neither it nor its count, its evidence, or what is done about it.

Each test is the named investigator at one of the doors, beside a colleague who is let in.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel import col, select

from incidents.cases import workflow
from incidents.cases.creation import NewEvidence, open_or_extend_case
from incidents.cases.models import Case, CaseKind, CaseState, CaseSubject
from incidents.reports import report_fields, submission
from incidents.reports.models import Report
from people.models import Role, Staff
from people.staff import api_tokens, staff_status
from tests.channels.conftest import Console, Tab, make_console, without_token
from tests.channels.console.test_roles import ACTS
from vault.audit import audit_log
from vault.models import AuditEntry

SAID = "the caller named me"


@dataclass
class Scene:
    """Ines is named in ``reference``; ``other`` is a case that does not name her and shares a
    report with it. Ivo is her colleague."""

    console: Console
    ines: UUID
    ivo: UUID
    reference: str
    other: str
    gwen: UUID

    def tab(self, name: str) -> Tab:
        return self.console.sign_in(f"{name}@example.org")


@pytest.fixture
def scene(database: str, tmp_path: Path) -> Iterator[Scene]:
    console = make_console(database, tmp_path)
    yield _set(console)
    console.context.engine.dispose()


def _set(console: Console) -> Scene:
    ines = console.member("ines@example.org", Role.INVESTIGATOR)
    ivo = console.member("ivo@example.org", Role.INVESTIGATOR)
    gwen = console.customer()
    now = console.now
    with console.unit() as session:
        told = report_fields.ReportSubmission("+447400123456", "web", said=SAID)
        submission.submit_for_reference(session, told, now)
        report = session.exec(select(Report)).one()
        shared = NewEvidence("report", str(report.id), now, gwen)
        audit_log.record_act(
            session,
            audit_log.staff_actor(ines),
            "customer.read",
            now,
            customer_id=gwen,
            purpose="x",
        )
        read = session.exec(
            select(AuditEntry.id).where(col(AuditEntry.staff_id) == ines).limit(1)
        ).one()
        evidence = [shared, NewEvidence("audit", str(read), now, gwen)]
        named = open_or_extend_case(session, CaseKind.ACCESS, "a", evidence, now, subjects=[ines])
        around = [
            shared,
            NewEvidence("access", "1", now, None, {"staff": str(ines), "customers": 9}),
        ]
        other = open_or_extend_case(session, CaseKind.CALLS, "b", around, now)
        return Scene(console, ines, ivo, named.reference, other.reference, gwen)


def test_the_board_shows_neither_the_case_nor_its_count(scene):
    page = scene.tab("ines").get("/staff/cases").text
    assert scene.reference not in page
    assert scene.other in page
    assert '<span class="count">1</span>' in page
    assert '<span class="count">2</span>' not in page
    seen = scene.tab("ivo").get("/staff/cases").text
    assert scene.reference in seen
    assert '<span class="count">2</span>' in seen


def test_no_view_of_the_board_shows_it(scene):
    with scene.console.unit() as session:
        workflow.claim_case(session, scene.reference, scene.ivo, scene.console.now)
        workflow.decide_case_outcome(
            session, scene.reference, scene.ivo, "leak", "this is a leak", scene.console.now
        )
        workflow.close_decided_case(
            session, scene.reference, scene.ivo, "all of it is done", scene.console.now
        )
    tab = scene.tab("ines")
    for view in ("open", "mine", "closed"):
        assert scene.reference not in tab.get(f"/staff/cases?view={view}").text
    tab = scene.tab("ivo")
    assert scene.reference in tab.get("/staff/cases?view=closed").text
    assert tab.get(f"/staff/cases?view=open&after={scene.reference}").status_code == 200


def test_a_guessed_reference_is_as_if_there_were_none(scene):
    tab = scene.tab("ines")
    answers = (tab.get(f"/staff/cases/{item}").text for item in (scene.reference, "C2222222"))
    named, none = map(without_token, answers)
    assert named == none
    assert tab.get(f"/staff/cases/{scene.reference}").status_code == 404
    assert scene.tab("ivo").get(f"/staff/cases/{scene.reference}").status_code == 200


@pytest.mark.parametrize("act", ACTS)
def test_nothing_can_be_done_to_it(scene, act):
    data = {
        "words": "x",
        "outcome": "no_leak",
        "why": "I want to see it",
        "closing": "I want to see it",
        "reopening": "I want to see it",
    }
    data |= {"customer": str(scene.gwen), "reason": "I want to see it"}
    tab = scene.tab("ines")
    for reference in (scene.reference, "C2222222"):
        answer = tab.post(f"/staff/cases/{reference}/{act}", data)
        assert answer.status_code == 404
        assert "Gwen" not in answer.text
    with scene.console.unit() as session:
        case = session.exec(select(Case).where(col(Case.reference) == scene.reference)).one()
        assert (case.state, case.taken_by, case.outcome) == (CaseState.OPEN, None, None)


def test_the_list_of_exposed_customers_is_closed_too(scene):
    tab, person = scene.tab("ines"), scene.ines
    for reference in (scene.reference, "C2222222"):
        at = f"/staff/cases/{reference}"
        assert tab.get(f"{at}/exposed?person={person}&list=1").status_code == 404
        form = {"person": str(person), "from": "", "to": "", "why": "I want to see it"}
        assert tab.post(f"{at}/warn", form).status_code == 404


def test_a_case_that_names_one_cannot_be_joined_to_ones_own(scene):
    tab = scene.tab("ines")
    tab.post(f"/staff/cases/{scene.other}/take")
    answers = [
        tab.post(f"/staff/cases/{scene.other}/join", {"other": item, "joining": "I want to see it"})
        for item in (scene.reference, "C2222222")
    ]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert all("There is no such case." in answer.text for answer in answers)


def test_an_export_of_another_case_leaves_hidden_evidence_out(scene):
    tab = scene.tab("ines")
    tab.post(f"/staff/cases/{scene.other}/take")
    form = {"exporting": "I want to see it", "field": ["said", "names", "staff", "notes"]}
    data = tab.post(f"/staff/cases/{scene.other}/export", form).data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        told = json.loads(archive.read("case.json"))
    assert told["evidence"] == []
    assert told["customers"] == {}


def test_its_evidence_is_not_in_another_case_either(scene):
    tab = scene.tab("ines")
    page = tab.get(f"/staff/cases/{scene.other}").text
    assert SAID not in page
    assert str(scene.ines) not in page
    assert '<span class="muted">0</span>' in page  # what it rests on
    assert "1 report" not in tab.get("/staff/cases").text
    assert "9" in scene.tab("ivo").get(f"/staff/cases/{scene.other}").text


def test_the_customer_of_hidden_evidence_cannot_be_opened_through_another_case(scene):
    tab = scene.tab("ines")
    assert tab.post(f"/staff/cases/{scene.other}/take").status_code == 303
    data = {"customer": str(scene.gwen), "reason": "only curious"}
    answer = tab.post(f"/staff/cases/{scene.other}/customer", data)
    assert answer.status_code == 404
    assert "Gwen" not in answer.text


def test_the_list_of_reports_leaves_its_reports_out(scene):
    assert SAID not in scene.tab("ines").get("/staff/reports").text
    assert SAID in scene.tab("ivo").get("/staff/reports").text


def test_the_api_leaves_its_reports_out(scene):
    client, now = scene.console.app.test_client(), scene.console.now
    said = {}
    for who in (scene.ines, scene.ivo):
        with scene.console.unit() as session:
            token = api_tokens.create_api_token(session, session.get_one(Staff, who), "t", now)
        answer = client.get("/api/v1/reports", headers={"Authorization": f"Bearer {token}"})
        said[who] = answer.json["reports"]
    assert said[scene.ines] == []
    assert [item["said"] for item in said[scene.ivo]] == [SAID]


def test_the_audit_log_tells_nothing_of_it(scene):
    ivo = scene.tab("ivo")
    ivo.get(f"/staff/cases/{scene.reference}")
    ivo.post(f"/staff/cases/{scene.reference}/take")
    ivo.post(f"/staff/cases/{scene.reference}/note", {"words": "look at Ines"})
    tab = scene.tab("ines")
    for query in ("", "?what=reports", f"?person={scene.ivo}", f"?purpose={scene.reference}"):
        page = tab.get(f"/staff/audit{query}").text
        assert scene.reference not in page.replace(f'value="{scene.reference}"', "")
        assert "look at Ines" not in page
    assert "No such entries" in tab.get(f"/staff/audit?purpose={scene.reference}").text
    assert scene.reference in scene.tab("ivo").get("/staff/audit").text


def test_an_investigator_who_is_named_while_holding_it_loses_it(scene):
    console, now = scene.console, scene.console.now
    tab = scene.tab("ines")
    tab.post(f"/staff/cases/{scene.other}/take")
    with console.unit() as session:
        open_or_extend_case(session, CaseKind.CALLS, "b", [], now, subjects=[scene.ines])
        case = session.exec(select(Case).where(col(Case.reference) == scene.other)).one()
        assert (case.state, case.taken_by) == (CaseState.OPEN, None)
    assert tab.get(f"/staff/cases/{scene.other}").status_code == 404
    assert tab.post(f"/staff/cases/{scene.other}/note", {"words": "x"}).status_code == 404
    assert "Taken from an investigator" in scene.tab("ivo").get(f"/staff/cases/{scene.other}").text


def test_where_all_investigators_are_named_the_case_waits_and_supervisors_hear_that_alone(scene):
    console = scene.console
    console.member("sam@example.org", Role.SUPERVISOR)
    sam = console.sign_in("sam@example.org")
    waits = "case needs another investigator"
    assert waits not in sam.get("/staff/team").text
    with console.unit() as session:
        staff_status.deactivate_staff_member(
            session, session.get_one(Staff, scene.ivo), console.now
        )
    page = sam.get("/staff/team").text
    assert waits in page
    assert scene.reference not in page
    assert "Ines" not in page
    assert scene.reference not in scene.tab("ines").get("/staff/cases").text


def test_a_case_names_its_subjects_to_others_alone(scene):
    assert "Ines Silva" in scene.tab("ivo").get(f"/staff/cases/{scene.reference}").text
    with scene.console.unit() as session:
        assert session.get(CaseSubject, (_id(session, scene.reference), scene.ines))


def _id(session, reference: str) -> UUID:
    return session.exec(select(Case.id).where(col(Case.reference) == reference)).one()


def test_one_cannot_ask_the_log_about_oneself_nor_see_that_others_did(scene):
    assert scene.tab("ines").get(f"/staff/audit?person={scene.ines}").status_code == 403
    ivo = scene.tab("ivo")
    assert "Ines Silva" in ivo.get(f"/staff/audit?person={scene.ines}").text
    assert str(scene.ines) in ivo.get("/staff/audit?what=log").text
    page = scene.tab("ines").get("/staff/audit?what=log").text
    assert f"of {scene.ines}" not in page
    assert f'<option value="{scene.ines}"' not in page


def test_who_read_a_customer_of_a_case_is_closed_to_those_the_case_names(scene):
    ivo, ines = scene.tab("ivo"), scene.tab("ines")
    data = {"case": scene.reference, "customer": str(scene.gwen)}
    assert ines.post("/staff/audit/customer", data).status_code == 404
    assert ivo.post("/staff/audit/customer", data).status_code == 403  # not taken yet
    ivo.post(f"/staff/cases/{scene.reference}/take")
    to = ivo.post("/staff/audit/customer", data).location
    assert "Ines Silva" in ivo.get(to).text
    assert ines.get(to).status_code == 404


def test_what_is_asked_about_somebody_is_not_in_their_log(scene):
    from people.approvals import approval_requests
    from people.approvals.request_types import RequestSubject
    from procedures.role_change import CHANGE_ROLE

    console = scene.console
    with console.unit() as session:
        asked = approval_requests.submit_for_approval(
            session,
            CHANGE_ROLE,
            {"role": "agent"},
            "they are to be one",
            None,
            console.now,
            about=RequestSubject(None, None, scene.ines),
        ).id
    assert f"…{str(asked)[-6:]}" in scene.tab("ivo").get("/staff/audit").text
    assert str(asked)[-6:] not in scene.tab("ines").get("/staff/audit").text
