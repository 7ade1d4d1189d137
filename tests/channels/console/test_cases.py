"""The investigators' pages of cases, from the board to the export."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import col, select

from incidents.cases.creation import NewEvidence, open_or_extend_case
from incidents.cases.models import Case, CaseEvidence, CaseKind, CaseSubject
from incidents.export import archive, archive_verification
from incidents.export.case_serialisation import OPTIONAL_FIELDS
from incidents.reports import report_fields, submission
from incidents.reports.models import Report
from incidents.response import warning_runs
from people.models import Customer, Role, Staff
from tests.ids import without_random
from vault.audit import audit_log, checkpoints
from vault.audit.signed_notes import NoteSigner, VerifierKey
from vault.keys import field_encryption
from vault.models import AuditEntry


@pytest.fixture
def case(console) -> str:
    """A case with a report of Gwen's and an entry of Ana's."""
    ana, gwen = console.member("ana@example.org"), console.customer()
    with console.unit() as session:
        told = report_fields.ReportSubmission(
            "+447400123456",
            "web",
            said="<b>gift cards</b>",
            shown_number="020 7946 0999",
            knew=["ticket"],
        )
        report = submission.submit_report(session, told, console.now)
        audit_log.record_act(
            session,
            audit_log.staff_actor(ana),
            "customer.read",
            console.now,
            customer_id=gwen,
            purpose="own day",
        )
        entry = session.exec(select(AuditEntry.id).order_by(col(AuditEntry.id).desc())).first()
        evidence = [
            NewEvidence("report", str(report.id), console.now, gwen),
            NewEvidence("audit", str(entry), console.now, gwen),
            NewEvidence("wave", "7", console.now, None, WAVE),
            NewEvidence("budget", "8", console.now, None, BUDGET),
            NewEvidence("access", "6", console.now, None, ACCESS),
            NewEvidence("canary", "5", console.now, None, {"canary": 4, "what": "call"}),
            NewEvidence("new kind", "9", console.now, None, {"customers": 3, "names": ["a", "b"]}),
        ]
        return open_or_extend_case(
            session, CaseKind.CALLS, "x", evidence, console.now, subjects=[ana]
        ).reference


ACCESS = {
    "what": "nothing_behind",
    "window": "hour",
    "seen": 9,
    "expected": 0.3,
    "expected_of_peers": 0.2,
    "since": "2026-11-24T08:00:00+00:00",
    "chance": 1e-6,
}
WAVE = {"since": "2026-11-24T08:00:00+00:00", "what": "reports", "found": 12, "usual": 0.4}
BUDGET = {"what": "opened", "seen": 30, "allowed": 30, "hours": 1, "since": WAVE["since"]}


def ines(console):
    console.member("ines@example.org", Role.INVESTIGATOR)
    return console.sign_in("ines@example.org")


def test_investigators_begin_at_the_board(console, case):
    tab = ines(console)
    assert tab.get("/staff/").location == "/staff/cases"
    page = tab.get("/staff/cases").text
    assert case in page
    assert "7 pieces of evidence, 1 report" in page.replace("\n", "")
    assert "waiting for" in page
    for bad in ("view=x", "after=x", "after=" + "C" * 99):
        assert tab.get(f"/staff/cases?{bad}").status_code == 422


def test_each_kind_of_evidence_is_said_in_words(console, case):
    page = ines(console).get(f"/staff/cases/{case}").text
    assert "&lt;b&gt;gift cards&lt;/b&gt;" in page
    assert "020 7946 0999" in page
    assert "Ana Silva" in page
    assert "12 reports since" in page
    assert "They had opened 30 customers and wanted more. 30 are allowed within 1 hour." in page
    assert "a, b" in page
    assert "9 since" in page
    assert "By chance once in 1,000,000." in page
    assert "Its number was rung" in page
    assert "Gwen" not in page
    assert "07400" not in without_random(page)


def test_the_whole_life_by_its_forms(console, case):
    tab = ines(console)
    at = f"/staff/cases/{case}"
    assert tab.post(f"{at}/take").status_code == 303
    assert tab.post(f"{at}/note", {"words": ""}).status_code == 422
    assert tab.post(f"{at}/note", {"words": "rang <i>her</i>"}).status_code == 303
    assert "rang &lt;i&gt;her&lt;/i&gt;" in tab.get(at).text
    assert tab.post(f"{at}/close", {"closing": "nothing left to do"}).status_code == 409
    kept = tab.post(f"{at}/decide", {"outcome": "x", "why": "all from one list"})
    assert kept.status_code == 422
    assert "all from one list" in kept.text
    assert (
        tab.post(f"{at}/decide", {"outcome": "leak", "why": "all from one list"}).status_code == 303
    )
    assert "A leak was found" in tab.get(at).text
    assert tab.post(f"{at}/close", {"closing": "nothing left to do"}).status_code == 303
    assert case in tab.get("/staff/cases?view=closed").text
    assert tab.post(f"{at}/reopen", {"reopening": "there is more to it"}).status_code == 303
    tab.post(f"{at}/take")
    assert tab.post(f"{at}/give-back", {}).location == "/staff/cases"


def test_who_reported_a_call_and_wanted_to_know_is_told_when_the_case_is_closed(console, case):
    with console.unit() as session:
        report = session.exec(select(Report)).one()
        report.tell_outcome = True
        session.add(report)
    tab = ines(console)
    at = f"/staff/cases/{case}"
    tab.post(f"{at}/take")
    tab.post(f"{at}/decide", {"outcome": "leak", "why": "all from one list"})
    assert "1 reporter wants to hear" in tab.get(at).text
    form = {"closing": "nothing left to do", "tell": "everything"}
    assert tab.post(f"{at}/close", form).status_code == 422
    assert tab.post(f"{at}/close", {**form, "tell": "found"}).status_code == 303
    with console.unit() as session:
        assert session.exec(select(Report.outcome)).one() == "found"


def test_a_customer_is_shown_once_with_a_reason(console, case):
    tab = ines(console)
    at = f"/staff/cases/{case}"
    page = tab.get(at).text
    tab.post(f"{at}/take")
    with console.unit() as session:
        gwen = str(session.exec(select(Report.customer_id)).one())
    assert gwen[-6:] not in page.split("People named")[0].split("What it rests on")[0]
    assert tab.post(f"{at}/customer", {"customer": gwen, "reason": ""}).status_code == 422
    assert (
        tab.post(f"{at}/customer", {"customer": "x", "reason": "to ring her back"}).status_code
        == 422
    )
    answer = tab.post(f"{at}/customer", {"customer": gwen, "reason": "to ring her back"})
    assert "Gwen Jones" in answer.text
    assert "+44 7400 123456" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert [item.purpose for item in console.trail("customer.read")][-1] == case


def test_cases_are_joined_and_split_by_forms(console, case):
    tab = ines(console)
    with console.unit() as session:
        other = open_or_extend_case(
            session,
            CaseKind.WAVE,
            "y",
            [NewEvidence("wave", "1", console.now, None, WAVE)],
            console.now,
        ).reference
    at = f"/staff/cases/{case}"
    tab.post(f"{at}/take")
    assert (
        tab.post(f"{at}/join", {"other": "C2222222", "joining": "they are one thing"}).status_code
        == 422
    )
    assert (
        tab.post(f"{at}/join", {"other": other, "joining": "they are one thing"}).status_code == 303
    )
    assert "Goes on in another case" in tab.get("/staff/cases?view=closed").text
    assert (
        tab.post(f"{at}/apart", {"other": other, "parting": "they are two things"}).status_code
        == 303
    )
    with console.unit() as session:
        budget = select(CaseEvidence.id).where(col(CaseEvidence.kind) == "budget")
        part = session.exec(budget).one()
    answer = tab.post(f"{at}/split", {"part": str(part), "parting": "they are two things"})
    assert answer.status_code == 303
    assert answer.location.split("#")[0] not in (at, f"/staff/cases/{other}")
    assert (
        tab.post(f"{at}/split", {"part": "x", "parting": "they are two things"}).status_code == 422
    )


def test_an_access_is_suspended_and_customers_warned_from_the_case(console, case):
    tab = ines(console)
    at = f"/staff/cases/{case}"
    tab.post(f"{at}/take")
    with console.unit() as session:
        ana = str(session.exec(select(CaseSubject.staff_id)).one())
        other = str(session.exec(select(Staff.id).where(col(Staff.id) != UUID(ana))).first())
    assert (
        tab.post(f"{at}/suspend", {"person": other, "why_access": "they are the leak"}).status_code
        == 422
    )
    assert tab.post(f"{at}/suspend", {"person": ana, "why_access": ""}).status_code == 422
    assert (
        tab.post(f"{at}/suspend", {"person": ana, "why_access": "they are the leak"}).status_code
        == 303
    )
    page = tab.get(f"{at}/exposed?person={ana}").text
    assert "1 customer" in page
    assert "List them" in page
    listed = tab.get(f"{at}/exposed?person={ana}&list=1").text
    assert "what they bought" in listed
    assert "Gwen" not in listed
    assert tab.get(f"{at}/exposed?person={ana}&from=x").status_code == 422
    form = {"person": ana, "from": "2026-11-01", "to": "2026-11-24", "why": ""}
    assert tab.post(f"{at}/warn", form).status_code == 422
    assert tab.post(f"{at}/warn", {**form, "why": "they may be rung"}).status_code == 303
    assert tab.post(f"{at}/stop", {"stopping": "enough of them"}).status_code == 409
    assert len(console.trail("approval.ask")) == 2


# --- The export -----------------------------------------------------------------------


def exported(console, case: str, *fields: str) -> tuple[bytes, VerifierKey]:
    tab = ines(console)
    tab.post(f"/staff/cases/{case}/take")
    tab.post(f"/staff/cases/{case}/note", {"words": "a secret note"})
    data: dict[str, Any] = {"field": list(fields), "exporting": "to the police"}
    assert tab.post(f"/staff/cases/{case}/export", {"field": "names"}).status_code == 422
    answer = tab.post(f"/staff/cases/{case}/export", data)
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/zip"
    with console.unit() as session:
        key = checkpoints.log_signer(session, console.context.audit_origin).verifier
    return answer.data, key


def parts_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {item: archive.read(item) for item in archive.namelist()}


def checked(folder: Path, data: bytes, key: VerifierKey) -> str:
    path = folder / "case.zip"
    path.write_bytes(data)
    return archive_verification.verify_export_file(path, key)


def test_an_export_holds_only_what_was_chosen_and_is_written_down(console, case, tmp_path):
    data, key = exported(console, case, "shown")
    assert case in checked(tmp_path, data, key)
    everything = b"".join(parts_of(data).values()).decode()
    for hidden in ("Gwen", "7400123456", "gift cards", "Ana Silva", "a secret note", "police"):
        assert hidden not in everything
    assert "020 7946 0999" in everything
    (done,) = console.trail("case.exported")
    assert done.purpose == case
    assert console.trail("customer.read")[-1].purpose == "own day"


def test_an_export_with_all_fields_names_them_and_writes_each_customer_down(
    console, case, tmp_path
):
    data, key = exported(console, case, *OPTIONAL_FIELDS)
    assert "audit entries" in checked(tmp_path, data, key)
    page = parts_of(data)[archive.HTML_FILE].decode()
    for shown in ("Gwen Jones", "+447400123456", "&lt;b&gt;gift cards", "Ana Silva", "secret note"):
        assert shown in page
    assert [item.purpose for item in console.trail("customer.read")].count(case) == 1
    assert "Ana Silva: read a customer&#39;s record (their own day). Entry" in page
    assert "Who had seen these customers" in page
    assert re.search(r"24 Nov 2026 \d\d:\d\d GMT", page)
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-|\d\.\d{6}", page)
    told = json.loads(parts_of(data)[archive.CASE_FILE])
    proven = json.loads(parts_of(data)[archive.PROOFS_FILE])
    actions = {json.loads(item["entry"])["action"] for item in proven}
    assert {"case.opened", "case.exported", "customer.read"} <= actions
    assert told["case"]["reference"] == case


def test_any_change_to_an_export_is_found(console, case, tmp_path):
    data, key = exported(console, case, *OPTIONAL_FIELDS)
    parts = parts_of(data)
    for name, held in parts.items():
        for at in (0, len(held) // 2, len(held) - 1):
            changed = held[:at] + bytes([held[at] ^ 1]) + held[at + 1 :]
            with pytest.raises(archive_verification.InvalidExport):
                checked(tmp_path, archive._zip_export_parts({**parts, name: changed}), key)
        with pytest.raises(archive_verification.InvalidExport):
            checked(
                tmp_path,
                archive._zip_export_parts({n: p for n, p in parts.items() if n != name}),
                key,
            )
    with pytest.raises(archive_verification.InvalidExport):
        checked(tmp_path, archive._zip_export_parts({**parts, "more.html": b"x"}), key)
    for cut in (b"", data[: len(data) // 2], b"PK\x03\x04" + data[4:100]):
        with pytest.raises(archive_verification.InvalidExport):
            checked(tmp_path, cut, key)
    with pytest.raises(archive_verification.InvalidExport):
        checked(tmp_path, data, NoteSigner(key.name, b"x" * 32).verifier)


def test_one_who_signs_again_with_another_key_or_leaves_a_proof_out_is_found(
    console, case, tmp_path
):
    data, key = exported(console, case, *OPTIONAL_FIELDS)
    parts = parts_of(data)
    rest = {name: held for name, held in parts.items() if name != archive.MANIFEST_FILE}
    forged = NoteSigner(key.name, b"x" * 32).sign_note(
        archive.build_export_manifest(case, console.now, rest)
    )
    with pytest.raises(archive_verification.InvalidExport):
        checked(
            tmp_path,
            archive._zip_export_parts({**rest, archive.MANIFEST_FILE: forged.encode()}),
            key,
        )
    with console.unit() as session:
        ours = checkpoints.log_signer(session, console.context.audit_origin)
        none = {**rest, archive.PROOFS_FILE: b"[]"}
        note = ours.sign_note(archive.build_export_manifest(case, console.now, none))
        with pytest.raises(archive_verification.InvalidExport, match="export_entry_not_proven"):
            checked(
                tmp_path,
                archive._zip_export_parts({**none, archive.MANIFEST_FILE: note.encode()}),
                key,
            )
        checkpoint = {archive.MANIFEST_FILE: parts[archive.CHECKPOINT_FILE]}
    with pytest.raises(archive_verification.InvalidExport):
        checked(tmp_path, archive._zip_export_parts({**rest, **checkpoint}), key)


def test_the_command_checks_a_file_without_a_store(console, case, tmp_path):
    data, key = exported(console, case, "names")
    path = tmp_path / "case.zip"
    path.write_bytes(data)
    runner = console.app.test_cli_runner()
    console.context.engine.dispose()
    done = runner.invoke(args=["cases", "check-export", str(path), "--key", str(key)])
    assert (done.exit_code, done.output[:5]) == (0, "Good:")
    path.write_bytes(data[:-30])
    done = runner.invoke(args=["cases", "check-export", str(path), "--key", str(key)])
    assert (done.exit_code, done.output[:4]) == (1, "BAD:")
    done = runner.invoke(args=["cases", "check-export", str(path), "--key", "x"])
    assert (done.exit_code, done.output[:4]) == (1, "BAD:")


def test_the_page_of_reports_per_day_stands_after_a_warning(console, case):
    tab = ines(console)
    with console.unit() as session:
        found = session.exec(select(Case)).one()
        ana = session.exec(select(CaseSubject.staff_id)).one()
        since = console.now - timedelta(days=10)
        warning_runs.start_warning_run(
            session, found, ana, since, console.now + timedelta(hours=1), console.now
        )
    page = tab.get(f"/staff/cases/{case}").text
    assert "0 of 1 customers" in page
    assert "two weeks before and since" in page
    assert "<svg" in page


def test_an_export_says_the_number_that_a_report_was_about(console, case):
    with console.unit() as session:
        gwen = session.exec(select(Customer)).one()
        key = field_encryption.load_data_key(session, gwen.id)
        gwen.phone = key.seal_field("customer", "phone", gwen.id, "+447400999888")
        session.add(gwen)
    told = json.loads(parts_of(exported(console, case, *OPTIONAL_FIELDS)[0])[archive.CASE_FILE])
    (report,) = [item["report"] for item in told["evidence"] if "report" in item]
    assert report["phone"] == "+447400123456"


def test_an_export_without_names_says_who_by_role(console, case):
    page = parts_of(exported(console, case)[0])[archive.HTML_FILE].decode()
    assert re.search(r"agent …[0-9a-f]{6}: read a customer", page)


def test_what_one_person_did_with_one_record_on_a_day_is_one_item_in_words(console):
    ana, gwen = console.member("ana@example.org"), console.customer()
    with console.unit() as session:
        for minute in range(24):
            at = console.now + timedelta(minutes=minute)
            actor = audit_log.staff_actor(ana)
            audit_log.record_act(
                session, actor, "customer.read", at, customer_id=gwen, purpose="card"
            )
        ids = session.exec(select(AuditEntry.id).where(AuditEntry.action == "customer.read")).all()
        evidence = [NewEvidence("audit", str(id_), console.now, gwen) for id_ in ids]
        reference = open_or_extend_case(
            session, CaseKind.OBJECTION, "o", evidence, console.now
        ).reference
    tab = ines(console)
    at = f"/staff/cases/{reference}"
    tab.post(f"{at}/take")
    page = tab.get(at).text
    assert page.count("Open this customer") == 1
    assert page.count("What one person did with a record on one day.") == 1
    assert "24 times" in page
    assert "Tue 24 Nov 10:00 to 10:23" in page
    assert "customer.read" not in page


def test_the_ticked_item_takes_all_that_it_shows_into_the_new_case(console, case):
    tab = ines(console)
    with console.unit() as session:
        ana = session.exec(select(CaseSubject.staff_id)).one()
        gwen = session.exec(select(Report.customer_id)).one()
        audit_log.record_act(
            session, audit_log.staff_actor(ana), "customer.read", console.now, customer_id=gwen
        )
        entry = session.exec(select(AuditEntry.id).order_by(col(AuditEntry.id).desc())).first()
        open_or_extend_case(
            session,
            CaseKind.CALLS,
            "x",
            [NewEvidence("audit", str(entry), console.now, gwen)],
            console.now,
        )
    at = f"/staff/cases/{case}"
    tab.post(f"{at}/take")
    ticked = re.search(r'name="part" value="([^"]*,[^"]*)"', tab.get(at).text)[1]
    answer = tab.post(f"{at}/split", {"part": ticked, "parting": "they are two things"})
    assert answer.status_code == 303
    page = tab.get(answer.location).text
    assert "What one person did with a record on one day." in page


def test_a_colleague_is_told_who_works_on_it_and_led_back_to_the_case(console, case):
    ines(console).post(f"/staff/cases/{case}/take")
    console.member("ivo@example.org", Role.INVESTIGATOR)
    answer = console.sign_in("ivo@example.org").post(f"/staff/cases/{case}/note", {"words": "x"})
    assert answer.status_code == 403
    assert "A colleague holds this case" in answer.text
    assert f'href="/staff/cases/{case}"' in answer.text
    assert "Back to the case" in answer.text


def test_a_suspension_can_be_lifted_once_its_case_is_closed(console, case):
    tab = ines(console)
    at = f"/staff/cases/{case}"
    tab.post(f"{at}/take")
    with console.unit() as session:
        ana = session.exec(select(CaseSubject.staff_id)).one()
    tab.post(f"{at}/suspend", {"person": str(ana), "why_access": "they are the leak"})
    page = tab.get(at).text
    assert "Suspend somebody’s access" in page or "Suspend somebody&#39;s access" in page
    console.member("ivo@example.org", Role.INVESTIGATOR)
    ivo = console.sign_in("ivo@example.org")
    asked, digest = re.search(
        r'approvals/([0-9a-f-]{36})/approve.*?name="digest" value="([^"]+)"',
        ivo.get("/staff/approvals").text,
        re.S,
    ).groups()
    assert ivo.post(f"/staff/approvals/{asked}/approve", {"digest": digest}).status_code == 303
    page = tab.get(at).text
    assert "approved by Ivo Silva" in page
    listed = ivo.get("/staff/suspended").text
    assert "Ana Silva" in listed
    lift = f"/staff/suspended/{ana}/lift"
    short = ivo.post(lift, {"why": "x"})
    assert short.status_code == 422
    assert "Write why, in a sentence" in short.text
    assert ivo.post(lift, {"why": "nothing came of it"}).status_code == 303
    console.member("sue@example.org", Role.SUPERVISOR)
    assert "Ana Silva" in console.sign_in("sue@example.org").get("/staff/people").text


def test_what_many_reports_tell_alike_is_said_once_with_how_many(console):
    with console.unit() as session:
        found = []
        for n, number in enumerate(("020 7946 0999", "02079460999", "020 7946 0111")):
            told = report_fields.ReportSubmission(
                f"+4474001234{n + 10}", "web", shown_number=number, knew=["name", "ticket"][: n + 1]
            )
            found.append(submission.submit_report(session, told, console.now))
        evidence = [NewEvidence("report", str(item.id), item.at, None) for item in found]
        fewer = open_or_extend_case(
            session, CaseKind.CALLS, "y", evidence[:2], console.now
        ).reference
        reference = open_or_extend_case(
            session, CaseKind.CALLS, "x", evidence, console.now
        ).reference
    console.member("ines@example.org", Role.INVESTIGATOR)
    ines = console.sign_in("ines@example.org")
    page = " ".join(ines.get(f"/staff/cases/{reference}").text.split())
    assert '020 7946 0999 <span class="muted">(2)</span>, 020 7946 0111' in page
    assert 'name <span class="muted">(3)</span>, ticket <span class="muted">(2)</span>' in page
    assert "how many of them" not in ines.get(f"/staff/cases/{fewer}").text
