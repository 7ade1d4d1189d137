"""I5: somebody who is named in a case finds no trace of it on any route.

Two installations, alike but for a case that names an investigator and a supervisor, and its
consequences. Each of the two asks every route of both; the answers are the same to the byte, after
tokens, ids and random names are made alike. Was red on c916469.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import col, select

from incidents.cases import case_view, merge_split, workflow
from incidents.cases.creation import NewEvidence, add_case_subjects, open_or_extend_case
from incidents.cases.models import Case, CaseKind, CaseSubject
from incidents.leak_tracing import service
from incidents.reports import report_fields, reporter_feedback, submission
from incidents.reports.models import Report
from incidents.response import customer_warnings, exposure, response_requests
from messaging.sending_limits import parse_limits
from people.approvals import approval_requests, bootstrap, decisions, sealed_requests
from people.approvals.models import ApprovalRequest
from people.approvals.request_types import RequestSubject
from people.approvals.states import RequestState
from people.customers import access_budgets
from people.errors import NotFound
from people.models import Role, Staff
from people.staff import api_tokens, session_lifecycle, suspension
from procedures import approval_registry
from procedures.role_change import CHANGE_ROLE
from storage.column_types import new_id
from tests import databases
from tests.approvals import approve_request
from tests.channels.conftest import PHONE, Console, Tab, make_console
from tests.security_rules.support.all_routes import SIMULATOR
from vault.audit import audit_log
from vault.audit.acts import AuditAct

OPEN = {f"{name}_limit_per_network": "100000/second" for name in ("check", "report", "page_number")}
OPEN |= {"check_limit_per_number": "100000/second", "sign_in_limit": "100000/second"}
SECRET = "Bob and Ines sold the list together"
#: Each of them asks every route.
NAMED = {"ines": Role.INVESTIGATOR, "sam": Role.SUPERVISOR}
#: What would end the session of the walker, or differs by the moment.
LEFT_OUT = {"console.sign_out", "health.serve_metrics", "console.change_password"}
_ALIKE = [
    (re.compile(r'name="csrf_token" value="[^"]+"'), "token"),
    (re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}"), "id"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "digest"),
    (re.compile(r"before=[\w%=-]+"), "mark"),
    (re.compile(r"\b[CR][2-9A-HJ-NP-Z]{7}\b"), "reference"),
    (re.compile(r"…[0-9a-f]{6}"), "end of an id"),
    (re.compile(r"[\w-]{40,}={0,2}"), "sealed"),
    (re.compile(r"/report/[0-9a-f]{12}"), "report"),
    (re.compile(r"\b(?:[a-z0-9]{4}-){2}[a-z0-9]{4}\b"), "recovery code"),
    (re.compile(r"nonce[-=\"]+[\w+/=-]+"), "nonce"),
    (re.compile(r"<svg[^>]*qr.*?</svg>", re.DOTALL), "picture"),
    (re.compile(r"\b[A-Z2-7]{4}(?: [A-Z2-7]{4}){7}\b"), "key of an authenticator"),
]


@dataclass
class House:
    """A console with its people, one case that everybody may see, and (``hidden``) one that names
    Bob, Ines and Sam."""

    console: Console
    people: dict[str, UUID]
    gwen: UUID
    other: str
    hidden: str = ""
    request: UUID | None = None
    digest: str = ""

    def tab(self, name: str) -> Tab:
        """Signed in, without waiting: both houses are asked at the same second."""
        made = self.console.tab()
        with self.console.unit() as session:
            member = session.get_one(Staff, self.people[name])
            token = session_lifecycle.open_staff_session(session, member, self.console.now)
        with made.client.session_transaction() as cookie:
            cookie["staff"] = token
        return made

    def unit(self) -> Any:
        return self.console.unit()


def a_house(url: str, folder: Path) -> House:
    folder.mkdir(exist_ok=True)
    console = make_console(url, folder, **OPEN)
    wide = replace(
        access_budgets.DEFAULTS,
        unknown=parse_limits("100000/hour"),
        misses=parse_limits("10000/hour"),
    )
    console.context.info.update(access_budgets.budget_session_info(wide))
    roles = {**NAMED, "ivo": Role.INVESTIGATOR, "ida": Role.INVESTIGATOR, "sue": Role.SUPERVISOR}
    people = {name: console.member(f"{name}@example.org", role) for name, role in roles.items()}
    people["bob"] = console.member("bob@example.org")
    gwen, now = console.customer(), console.now
    with console.unit() as session:
        bootstrap.finish_bootstrap(session, now)
        bob = audit_log.staff_actor(people["bob"])
        audit_log.record_act(
            session, bob, AuditAct.CUSTOMER_READ, now, customer_id=gwen, purpose="card"
        )
        told = report_fields.ReportSubmission("+447400123457", "web", said="somebody rang me")
        shown = submission.submit_report(session, told, now)
        case = open_or_extend_case(
            session, CaseKind.CALLS, "seen", [NewEvidence("report", str(shown.id), now)], now
        )
        about = RequestSubject(staff_id=people["ida"])
        approval_requests.submit_for_approval(
            session,
            CHANGE_ROLE,
            {"from": "investigator", "to": "agent"},
            "she wants to ring",
            people["sue"],
            now,
            about=about,
        )
        return House(console, people, gwen, case.reference)


def investigate(house: House) -> None:
    """All that can come of a case: it is worked on, put together and taken apart, traced, and acted
    on; what is asked in it waits, is done, or was refused."""
    people, now = house.people, house.console.now
    ivo, ida, bob = people["ivo"], people["ida"], people["bob"]
    table = approval_registry.collect_request_types(house.console.context.policy)
    with house.unit() as session:
        told = report_fields.ReportSubmission(PHONE, "web", said=SECRET, tell_me=True)
        report = submission.submit_report(session, told, now)
        rows = [
            NewEvidence("report", str(report.id), now, house.gwen),
            NewEvidence("note", "n", now),
        ]
        named = [people[item] for item in ("bob", *NAMED)]
        case = open_or_extend_case(session, CaseKind.CALLS, "h", rows, now, subjects=named)
        second = open_or_extend_case(
            session, CaseKind.ACCESS, "j", [NewEvidence("audit", "9", now)], now
        )
        house.hidden = case.reference
        workflow.claim_case(session, case.reference, ivo, now)
        workflow.write_case_note(session, case.reference, ivo, SECRET, now)
        merge_split.merge_cases(
            session, case.reference, second.reference, ivo, "they are one thing", now
        )
        split = [item.id for item in case_view.load_evidence_page(session, case, ivo, now)[0][:1]]
        merge_split.split_case_evidence(
            session, case.reference, split, ivo, "this is another thing", now
        )
        service.trace_case_signals(session, case.reference, ivo, now)
        span = now - timedelta(days=9), now + timedelta(days=1)
        exposure.load_exposure_page(session, case, bob, *span, ivo, now)
        response_requests.request_customer_warning(
            session, case.reference, ivo, bob, *span, SECRET, now
        )
        warn = session.exec(
            select(ApprovalRequest).where(col(ApprovalRequest.kind) == "warn_customers")
        ).one()
        approve_request(session, table, warn.id, warn.digest, ida, now)
        refused = response_requests.request_staff_suspension(
            session, case.reference, ivo, bob, SECRET, now
        )
        decisions.refuse_request(session, table, refused.id, ida, now)
        waits = response_requests.request_staff_suspension(
            session, case.reference, ivo, bob, SECRET, now
        )
        house.request, house.digest = waits.id, waits.digest
        customer_warnings.CustomerWarningJob(house.console.context.policy)(session, now)
        reporter_feedback.record_report_outcome(
            session, session.get_one(Report, report.id), "found", now
        )
        reporter_feedback.queue_feedback_texts(session, house.console.context.policy, now)
        # A colleague writes of it in a case that everybody may see.
        workflow.claim_case(session, house.other, ida, now)
        workflow.write_case_note(
            session, house.other, ida, f"See also {case.reference.lower()}.", now
        )


def visible_twin(house: House) -> None:
    """What everybody may see of the same: a case that was taken."""
    with house.unit() as session:
        workflow.claim_case(session, house.other, house.people["ida"], house.console.now)


@pytest.fixture
def houses(request: pytest.FixtureRequest, tmp_path: Path, database: str) -> Iterator[list[House]]:
    """The one with the case, and its twin without."""
    with ExitStack() as stack:
        if database.startswith("sqlite"):
            (tmp_path / "twin").mkdir()
            template = request.getfixturevalue("sqlite_template")
            url = databases.sqlite_copy(template, tmp_path / "twin")
        else:
            server = request.getfixturevalue("postgresql_server")
            url = stack.enter_context(databases.postgresql_copy(server))
        made = [a_house(database, tmp_path), a_house(url, tmp_path / "twin")]
        investigate(made[0])
        visible_twin(made[1])
        twin, real = made[1], made[0]
        twin.hidden, twin.request, twin.digest = real.hidden, real.request, real.digest
        yield made
        for item in made:
            item.console.context.engine.dispose()


def asks(house: House) -> list[tuple[str, str, dict[str, str]]]:
    """Method, path and form of every route, filled with what the case has."""
    found = []
    given = {"reference": house.hidden, "request_id": str(house.request)}
    for rule in sorted(house.console.app.url_map.iter_rules(), key=lambda each: each.rule):
        if rule.endpoint in LEFT_OUT or rule.rule.startswith(SIMULATOR):
            continue
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda at: _filled(house, given, at[1]), rule.rule)
        for method in sorted((rule.methods or set()) & {"GET", "POST", "DELETE"}):
            found.append((method, path, _form(house)))
    for view in ("open", "mine", "closed"):
        found.append(("GET", f"/staff/cases?view={view}&after={house.hidden}", {}))
    queries = [f"what={group}" for group in ("reports", "approvals", "staff", "texts", "read")]
    for query in (f"purpose={house.hidden}", f"person={house.people['ivo']}", *queries):
        found.append(("GET", f"/staff/audit?{query}", {}))
    found.append(("GET", f"/staff/cases/{house.other}", {}))
    found.append(("GET", f"/staff/audit?person={house.people['bob']}", {}))
    return found


def _filled(house: House, given: dict[str, str], name: str) -> str:
    ids = {"staff_id": house.people["bob"], "note_id": UUID(int=7)}
    return given.get(name) or str(ids.get(name, UUID(int=7)))


def _form(house: House) -> dict[str, str]:
    return {
        "digest": house.digest,
        "other": house.hidden,
        "case": house.hidden,
        "customer": str(house.gwen),
        "person": str(house.people["bob"]),
        **dict.fromkeys(("why", "why_access", "words", "joining", "reason"), "I want to see it"),
    }


def plain(text: str, house: House) -> str:
    """An answer without what is random in each house."""
    names = {str(value): f"id of {name}" for name, value in house.people.items()}
    for value, name in names.items():
        text = text.replace(value, name)
    for pattern, word in _ALIKE:
        text = pattern.sub(word, text)
    return text


@pytest.mark.parametrize("who", NAMED)
def test_every_answer_is_as_if_there_were_no_case(houses, who):
    real, twin = houses
    walkers = [Walker(one_house, who) for one_house in houses]
    different = []
    for method, path, form in asks(real):
        said = [walker.ask(method, path, form, real) for walker in walkers]
        if said[0] != said[1]:
            different.append((method, path, _first_difference(*said)))
    assert different == [], "\n".join(map(str, different))
    assert twin.hidden == real.hidden


class Walker:
    """Somebody's browser in one of the houses."""

    def __init__(self, house: House, who: str) -> None:
        self.house, self.client = house, house.tab(who).client
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get("/staff/approvals"))
        assert found
        self.token = found[1]

    def get(self, path: str) -> str:
        return self.client.get(path).text

    def ask(self, method: str, path: str, form: dict[str, str], real: House) -> str:
        """What this house answers to what would be asked in the real one, without what is random
        in each."""
        path = _translated(path, real, self.house)
        data = {name: _translated(value, real, self.house) for name, value in form.items()}
        sent = {**data, "csrf_token": self.token} if method == "POST" else None
        answer = self.client.open(path, method=method, data=sent)
        assert SECRET not in answer.text, path
        location = answer.headers.get("Location", "")
        return plain(f"{answer.status_code} {location} {answer.text}", self.house)


def _translated(text: str, real: House, house: House) -> str:
    for name, value in real.people.items():
        text = text.replace(str(value), str(house.people[name]))
    return text.replace(real.other, house.other).replace(str(real.gwen), str(house.gwen))


def _first_difference(one: str, two: str) -> tuple[str, str]:
    at = next((n for n, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), 0)
    return one[max(0, at - 80) : at + 120], two[max(0, at - 80) : at + 120]


def test_colleagues_it_does_not_name_see_all_of_it(houses):
    """Else what comes before would prove nothing."""
    real, _ = houses
    page = real.tab("ida").get(f"/staff/cases/{real.hidden}").text
    assert SECRET in page
    assert SECRET in real.tab("ida").get("/staff/approvals").text
    assert SECRET in real.tab("sue").get("/staff/approvals").text
    log = real.tab("ida").get("/staff/audit").text
    assert real.hidden in log


def test_the_api_tells_nothing_of_it(houses):
    said = []
    for house in houses:
        with house.unit() as session:
            member = session.get_one(Staff, house.people["ines"])
            token = api_tokens.create_api_token(session, member, "t", house.console.now)
        client = house.console.app.test_client()
        answer = client.get("/api/v1/reports", headers={"Authorization": f"Bearer {token}"})
        said.append(plain(answer.text, house))
    assert said[0] == said[1]


@pytest.fixture
def house(database: str, tmp_path: Path) -> Iterator[House]:
    """The one with the case."""
    made = a_house(database, tmp_path)
    investigate(made)
    yield made
    made.console.context.engine.dispose()


def state_of(house: House) -> str:
    with house.unit() as session:
        return session.get_one(ApprovalRequest, house.request).state


@pytest.mark.parametrize("who", NAMED)
@pytest.mark.parametrize("act", ["approve", "refuse", "withdraw"])
def test_nothing_can_be_said_to_a_request_of_it(house, who, act):
    """By its id, which they may have from a page that was open before they were named."""
    tab = house.tab(who)
    for request in (house.request, new_id()):
        answer = tab.post(f"/staff/approvals/{request}/{act}", {"digest": house.digest})
        assert answer.status_code == 404
    assert state_of(house) == RequestState.ASKED


@pytest.mark.both
def test_an_approval_given_before_its_giver_was_named_does_not_count(house):
    """Nor does one count that is given while somebody is being named: that waits for it."""
    table, now = (
        approval_registry.collect_request_types(house.console.context.policy),
        house.console.now,
    )
    ida, told = house.people["ida"], []

    def approve() -> None:
        try:
            with house.unit() as session:
                approve_request(session, table, house.request, house.digest, ida, now)
            told.append("approved")
        except NotFound:
            told.append("none such")

    with house.unit() as session:
        case = session.exec(
            select(Case).where(col(Case.reference) == house.hidden).with_for_update()
        ).one()
        add_case_subjects(session, case, [ida], now)
        session.flush()
        racing = Thread(target=approve)
        racing.start()
        racing.join(0.5)
    racing.join()
    assert told == ["none such"]
    assert state_of(house) == RequestState.ASKED


def test_who_asked_and_is_named_since_has_asked_for_nothing(house):
    table, now = (
        approval_registry.collect_request_types(house.console.context.policy),
        house.console.now,
    )
    with house.unit() as session:
        case = session.exec(select(Case).where(col(Case.reference) == house.hidden)).one()
        add_case_subjects(session, case, [house.people["ivo"]], now)
    ivo = house.tab("ivo")
    page = ivo.get("/staff/approvals").text
    assert house.hidden not in page
    assert SECRET not in page
    assert ivo.post(f"/staff/approvals/{house.request}/withdraw").status_code == 404
    with house.unit() as session:
        approval_registry.void_invalid_requests(session, house.console.context.policy, now)
        row = session.get_one(ApprovalRequest, house.request)
        assert (row.state, row.void_why) == (RequestState.VOID, "asker")
        assert table
    assert str(house.request)[-6:] not in ivo.get("/staff/audit").text


def test_the_same_can_be_asked_in_another_case_without_learning_of_it(house):
    """Ines holds a case that names Bob alone; that his suspension is asked for already, in one that
    names her too, she does not hear."""
    now, ines, bob = house.console.now, house.people["ines"], house.people["bob"]
    with house.unit() as session:
        case = open_or_extend_case(session, CaseKind.ACCESS, "own", [], now, subjects=[bob])
        workflow.claim_case(session, case.reference, ines, now)
        made = response_requests.request_staff_suspension(
            session, case.reference, ines, bob, "he reads too much", now
        )
        assert made.state == RequestState.ASKED


def test_where_nobody_is_left_to_approve_the_asker_is_told_and_nobody_else(house):
    stuck = "Nobody who works here now may approve this"
    assert stuck not in house.tab("ivo").get("/staff/approvals").text
    with house.unit() as session:
        case = session.exec(select(Case).where(col(Case.reference) == house.hidden)).one()
        named = [house.people[item] for item in ("ida", "sue")]
        add_case_subjects(session, case, named, house.console.now)
    assert stuck in house.tab("ivo").get("/staff/approvals").text
    for who in ("ida", "sue", "ines", "sam"):
        page = house.tab(who).get("/staff/approvals").text
        assert stuck not in page
        assert house.hidden not in page


def test_a_joined_case_names_everybody_the_other_comes_to_name(house):
    now, ida = house.console.now, house.people["ida"]
    with house.unit() as session:
        case = session.exec(select(Case).where(col(Case.reference) == house.hidden)).one()
        joined = session.exec(select(Case).where(col(Case.joined_into) == case.id)).one()
        add_case_subjects(session, case, [ida], now)
        assert session.get(CaseSubject, (joined.id, ida)) is not None
        reference = joined.reference
    assert house.tab("ida").get(f"/staff/cases/{reference}").status_code == 404


def test_a_suspension_that_came_of_it_is_hidden_from_those_it_names(house):
    """Sam still finds Bob among those at work; Sue finds that his access is suspended."""
    with house.unit() as session:
        suspension.suspend_staff_member(
            session,
            house.people["bob"],
            audit_log.staff_actor(house.people["ida"]),
            house.console.now,
        )
    for page in ("/staff/people", "/staff/team"):
        assert "uspended" not in house.tab("sam").get(page).text
        assert "Bob" in house.tab("sam").get(page).text
        assert "uspended" in house.tab("sue").get(page).text
    log = house.tab("ines").get(f"/staff/audit?person={house.people['ida']}").text
    assert f"…{str(house.people['bob'])[-6:]}" not in log
    assert "s access</td>" not in log


def test_a_case_that_waits_for_an_investigator_is_not_told_to_a_supervisor_it_names(house):
    with house.unit() as session:
        case = session.exec(select(Case).where(col(Case.reference) == house.hidden)).one()
        named = [house.people[item] for item in ("ivo", "ida")]
        add_case_subjects(session, case, named, house.console.now)
    waits = "case needs another investigator"
    assert waits in house.tab("sue").get("/staff/team").text
    assert waits not in house.tab("sam").get("/staff/team").text


def test_a_request_is_of_the_case_that_it_was_asked_in(house):
    """Who writes to the database cannot move it to another case, to decide on it there."""
    table, now = (
        approval_registry.collect_request_types(house.console.context.policy),
        house.console.now,
    )
    from vault.errors import Tampered

    with house.unit() as session:
        row = session.get_one(ApprovalRequest, house.request)
        row.case_id = None
        session.add(row)
        assert sealed_requests.open_approval_request(session, row).about.case_id is None
    with pytest.raises(Tampered), house.unit() as session:
        approve_request(session, table, house.request, house.digest, house.people["ines"], now)
