"""I1: a customer is reached through a callback or ticket that is held, by an exact number or ticket
with a purpose that is recorded, or within a case; never by browsing, whatever the route."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlmodel import select
from werkzeug.test import TestResponse

from incidents.cases import customer_access as within
from incidents.cases.creation import NewEvidence, open_or_extend_case
from incidents.cases.models import CaseKind, CaseState
from incidents.reports import report_fields, submission
from people.customers import customer_records, customer_sessions
from people.errors import BudgetExceeded
from people.models import Role
from scheduling.booking import bookings
from scheduling.models import Callback
from tests import databases, factories
from tests.channels.conftest import Console, make_console
from tests.channels.console.test_roles import NONE
from tests.channels.support import a_token
from tests.security_rules.support.all_routes import (
    ANY,
    BROWSERS,
    SIMULATOR,
    STAFF,
    TABLE,
    TOKENS,
    Row,
)
from vault.audit import audit_log

NAME, NUMBER, TICKET, TOPIC = "Zephyrine Quill", "+447400918273", "TK-90210", "quokka lamp"
MARKERS = ("Zephyrine", "Quill", "7400918273", "7400 918273", "918 273", TICKET, "quokka")
_CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
_OPEN = "1000000/minute"


class World:
    """A customer with a callback that is at hand, and everybody who might want to know of them."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.holder = console.member("holder@example.org")
        self.staff: dict[str, Any] = {"holder": self.holder}
        for name in STAFF[1:]:
            self.staff[name] = console.member(f"{name}@example.org", Role(name))
        with console.unit() as session:
            self.customer = factories.a_customer(session, console.now, NUMBER, NAME)
            other = factories.a_customer(session, console.now, "+447400555666", "Other Person")
            self.other_id = other.id
            wish = bookings.BookingRequest(factories_at(console, 20), 15, TOPIC, TICKET)
            made = bookings.book_callback(
                session, self.customer, self.holder, wish, console.context.policy, console.now
            )
            self.callback = made.id
            told = report_fields.ReportSubmission(
                phone=NUMBER, channel="web", said="they rang", knew=("name",)
            )
            submission.submit_for_reference(session, told, console.now)
        self.clients = {name: self._browser(name) for name in BROWSERS}
        self.headers = {
            f"{name}_token": a_token(console.app, email=f"{name}@example.org") for name in STAFF
        }
        self._csrf: dict[str, str] = {}

    def _browser(self, name: str) -> FlaskClient:
        client: FlaskClient = self.console.app.test_client()
        if name in STAFF:
            from people.models import Staff
            from people.staff import session_lifecycle

            with self.console.unit() as session:
                member = session.get_one(Staff, self.staff[name])
                token = session_lifecycle.open_staff_session(session, member, self.console.now)
            self._keep(client, "staff", token)
        elif name == "customer":
            with self.console.unit() as session:
                token = customer_sessions.start_customer_session(
                    session, self.other_id, self.console.now
                )
            self._keep(client, "customer", token)
        return client

    @staticmethod
    def _keep(client: FlaskClient, key: str, token: str) -> None:
        with client.session_transaction() as cookie:
            cookie[key] = token

    def path(self, rule: str) -> str:
        """The address of a rule about the customer in question."""
        given = {"callback_id": self.callback, "id": self.callback, "staff_id": self.holder}
        return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(given.get(found[1], NONE)), rule)

    def ask(self, who: str, method: str, path: str, **more: Any) -> TestResponse:
        headers = {**self.headers.get(who, {}), **more.pop("headers", {})}
        client = self.clients.get(who) or self.console.app.test_client()
        if (
            method == "POST"
            and who in BROWSERS
            and not path.startswith(("/api/", "/twilio/", "/telnyx/"))
        ):
            more["data"] = {"csrf_token": self._token(who), **more.get("data", {})}
        elif method in ("POST", "PUT", "PATCH") and path.startswith("/api/"):
            more.setdefault("json", {})
        return client.open(path, method=method, headers=headers, **more)

    def _token(self, who: str) -> str:
        if who not in self._csrf:
            pages = ("/staff/calendar", "/staff/teams", "/staff/reports", "/my", "/staff/sign-in")
            texts = (self.clients[who].get(page).text for page in pages)
            self._csrf[who] = next(
                (found[1] for text in texts if (found := _CSRF.search(text))), ""
            )
        return self._csrf[who]


def factories_at(console: Console, minutes: int) -> Any:
    from datetime import timedelta

    return console.now.replace(second=0) + timedelta(minutes=minutes)


def make_world(template: Path, folder: Path) -> World:
    limits = {
        f"{kind}_limit{'_per_address' if kind != 'sign_in' else ''}": _OPEN
        for kind in ("check", "report", "feed", "proof", "sign_in")
    }
    console = make_console(databases.sqlite_copy(template, folder), folder, **limits)
    return World(console)


@pytest.fixture
def world(sqlite_template: Path, tmp_path: Path) -> Iterator[World]:
    made = make_world(sqlite_template, tmp_path)
    yield made
    made.console.context.engine.dispose()


def seen_in(answer: TestResponse) -> list[str]:
    text = answer.get_data(as_text=True) + str(answer.headers)
    return [item for item in MARKERS if item in text]


def plain(rule: str) -> str:
    """A rule whatever its parts are called."""
    return re.sub(r"<[^>]+>", "<>", rule)


def test_every_route_has_its_row(world):
    rules = {
        (method, plain(rule.rule))
        for rule in world.console.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if not rule.rule.startswith(SIMULATOR)
    }
    rows = {(row.method, plain(row.rule)) for row in TABLE}
    assert len(rows) == len(TABLE)
    assert rules - rows == set(), (
        "a new route needs a row in tests/security_rules/support/all_routes.py"
    )
    assert rows - rules == set(), "these rows have no route"


#: What changes something of the callback, so that each is asked of a fresh world by its holder.
_ACTS = {
    "cancel",
    "end",
    "move",
    "start",
    "code",
    "ring",
    "hand-over",
    "number",
    "revive",
    "sign-out",
    "leave",
}


def _is_act(row: Row) -> bool:
    last = row.rule.rpartition("/")[2]
    return row.method == "DELETE" or (row.method == "POST" and last in _ACTS)


def fits(status: int, expected: int | None) -> bool:
    """``None`` stands for being let in: the page then answers what was sent."""
    if expected is None:
        return status in range(200, 500) and status not in (401, 403)
    return expected in (status, ANY)


def test_each_asker_gets_their_status_and_no_more(world):
    wrong = []
    for row in sorted(TABLE, key=_is_act):
        for who, status in row.statuses.items():
            if _is_act(row) and who.startswith(("holder", "customer")):
                continue
            answer = world.ask(who, row.method, world.path(row.rule))
            seen = seen_in(answer)
            if not fits(answer.status_code, status) or bool(seen) != (who in row.shown_to):
                wrong.append((row.method, row.rule, who, answer.status_code, status, seen))
        if row.rule == "/staff/sign-out":
            world.clients |= {name: world._browser(name) for name in BROWSERS}
            world._csrf.clear()
    assert wrong == [], "\n".join(str(item) for item in wrong)


_QUERIES = (
    *("q=%25", "q=*", "q=_", "q=Zephy*", "search=Qui", "find=%25&purpose=answer"),
    *("page=2", "page=-1&limit=100000", "limit=100000&offset=0", "per_page=9999", "before=99999"),
    *("sort=name", "order=phone", "fields=name,phone", "include=customer", "expand=customer"),
    *("format=csv", "format=json", "export=1", "download=csv", "all=1", "staff_id=x", "team=x"),
)
_ACCEPTS = ("text/csv", "application/json", "application/xml", "application/vnd.ms-excel", "*/*")


def test_no_query_and_no_other_form_of_answer_opens_more(world):
    """A user who may not read the customer reads them with no parameter and in no format: here with
    all at once, each by itself in the campaign."""
    opens_nothing_more(world, ("&".join(_QUERIES),), (", ".join(_ACCEPTS),))


@pytest.mark.campaign
def test_no_single_query_and_no_other_form_of_answer_opens_more(world):
    opens_nothing_more(world, _QUERIES, _ACCEPTS)


def opens_nothing_more(world, queries, accepts):
    for row in TABLE:
        if row.method != "GET":
            continue
        path = world.path(row.rule)
        for who in set(row.statuses) - set(row.shown_to):
            for query in queries:
                assert seen_in(world.ask(who, "GET", f"{path}?{query}")) == [], (who, path, query)
            for accept in accepts:
                answer = world.ask(who, "GET", path, headers={"Accept": accept})
                assert seen_in(answer) == [], (who, path, accept)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "QUERY"])
def test_other_methods_open_nothing(world, method):
    for row in TABLE:
        for who in ("nobody", "customer", "agent", "supervisor", "investigator", *TOKENS[1:]):
            if (method, row.rule) in {(item.method, item.rule) for item in TABLE}:
                continue
            answer = world.ask(who, method, world.path(row.rule))
            assert answer.status_code in (*range(200, 500), 503), (who, method, row.rule)
            assert seen_in(answer) == [], (who, method, row.rule)
            if method == "HEAD":
                assert answer.get_data() == b""


def test_a_head_request_that_would_read_is_written_down_like_a_reading(world):
    before = len(world.console.trail("customer.read"))
    world.ask("holder", "HEAD", f"/staff/callback/{world.callback}")
    assert len(world.console.trail("customer.read")) == before + 1


def test_a_guessed_id_is_like_one_that_is_not_there(world):
    for who, path in (
        ("agent", "/staff/callback/{}"),
        ("agent_token", "/api/v1/callbacks/{}"),
        ("customer", "/my/call/{}"),
    ):
        there = world.ask(who, "GET", path.format(world.callback))
        not_there = world.ask(who, "GET", path.format(NONE))
        assert there.status_code == not_there.status_code == 404
        plain = re.compile(rf"{world.callback}|{NONE}|" + _CSRF.pattern)
        assert plain.sub("", there.text) == plain.sub("", not_there.text)


def look_up(world: World, asked: str, purpose: str = "answer", who: str = "agent") -> TestResponse:
    form = {"find": asked, "purpose": purpose}
    return world.ask(who, "POST", "/staff/book/find", data=form)


@pytest.mark.parametrize("asked", ["07400 918273", NUMBER, TICKET])
def test_a_look_up_shows_the_masked_number_and_a_first_letter(world, asked):
    page = look_up(world, asked).text
    assert "••• ••73" in page
    assert "<strong>Z.</strong>" in page
    shown = page.replace(f'value="{asked}"', "")
    assert [item for item in MARKERS if item in shown] == []
    (entry,) = [e for e in world.console.trail("customer.look_up") if e.customer_id]
    assert (entry.purpose, entry.detail) == ("answer", "found")


@pytest.mark.parametrize("purpose", ["", "x", "booking", "because", "ANSWER", "%"])
def test_nobody_is_looked_up_without_a_purpose(world, purpose):
    answer = look_up(world, NUMBER, purpose)
    assert answer.status_code == 422
    assert "••" not in answer.text
    assert world.console.trail("customer.look_up") == []


@pytest.mark.parametrize(
    "asked",
    [
        *("%", "*", "_", "?", "0740091827%", "+44740091827_", "TK-%", "TK-9021", "tk 90210", "TK"),
        *("Zephyrine", "Zephyrine Quill", "Quill", "' OR 1=1 --", "+44740091827", "918273", "0"),
    ],
)
def test_only_the_whole_number_or_ticket_finds_anybody(world, asked):
    answer = look_up(world, asked)
    assert "known customer" not in answer.text
    assert [e for e in world.console.trail("customer.look_up") if e.customer_id] == []


def test_what_is_found_stays_closed_until_a_callback_is_booked(world):
    look_up(world, NUMBER)
    me = {"customer_id": str(world.customer.id), "topic": "x", "starts_at": "2026-11-25T12:00:00Z"}
    assert world.ask("agent_token", "POST", "/api/v1/callbacks", json=me).status_code == 404
    assert world.ask("agent", "GET", f"/staff/callback/{world.callback}").status_code == 404


def test_over_the_api_a_refused_booking_leaves_its_look_up(world):
    """Otherwise a booking at an impossible time asks for nothing who is a customer."""
    for phone in (NUMBER, "+447400111222"):
        body = {
            "customer": {"phone": phone},
            "starts_at": "2020-01-01T12:00:00Z",
            "topic": "x",
            "purpose": "answer",
        }
        answer = world.ask("agent_token", "POST", "/api/v1/callbacks", json=body)
        assert answer.status_code == 422
    found = world.console.trail("customer.look_up")
    assert [(e.detail, e.purpose) for e in found] == [("found", "answer"), ("not found", "answer")]


def test_a_list_opens_only_what_is_at_hand(world):
    console = world.console
    console.wait(days=1)  # the call was missed, so nothing of the day is at hand
    for path in ("/staff/day?on=2026-11-24", "/staff/week", "/api/v1/callbacks?on=2026-11-24"):
        before = len(console.trail("customer.read"))
        who = "holder_token" if path.startswith("/api/") else "holder"
        world.clients["holder"] = world._browser("holder")
        answer = world.ask(who, "GET", path)
        assert answer.status_code == 200
        assert seen_in(answer) == []
        assert len(console.trail("customer.read")) == before


def test_a_callback_that_is_long_over_is_open_no_more(world):
    console = world.console
    console.wait(minutes=20)
    form = {"outcome": "reached"}
    world.ask("holder", "POST", f"/staff/callback/{world.callback}/start")
    world.ask("holder", "POST", f"/staff/callback/{world.callback}/end", data=form)
    for days, status in ((29, 200), (2, 404)):
        console.wait(days=days)
        world.clients["holder"] = world._browser("holder")
        answer = world.ask("holder", "GET", f"/staff/callback/{world.callback}")
        assert answer.status_code == status
    assert seen_in(answer) == []
    me = {"customer_id": str(world.customer.id), "topic": "x", "starts_at": "2026-12-28T12:00:00Z"}
    assert world.ask("holder_token", "POST", "/api/v1/callbacks", json=me).status_code == 404


def test_an_investigators_customers_within_cases_are_counted_too(store):
    """More than that, the cases' own tests show."""
    now = databases.MADE_AT
    with store.unit() as session:
        ines = factories.an_agent(session, now, role="investigator")
        known = [factories.a_customer(session, now) for _ in range(21)]
        about = [NewEvidence("audit", str(n), now, who.id) for n, who in enumerate(known)]
        case = open_or_extend_case(session, CaseKind.ACCESS, "fold", about, now)
        case.state, case.taken_by = CaseState.TAKEN, ines.id
        session.add(case)
    opened = 0
    for who in known:
        with (
            pytest.raises(BudgetExceeded) if opened == 20 else nullcontext(),
            store.unit() as session,
        ):
            within.open_case_customer(
                session, case.reference, ines.id, who.id, "To ask her about it", now
            )
            opened += 1
    assert opened == 20


def test_customers_are_found_by_nothing_but_an_exact_value(store):
    with store.unit() as session:
        factories.a_customer(session, databases.MADE_AT, NUMBER, NAME, external_ref="EX-1")
    with store.unit() as session:
        for asked in ("%", "+4474%", "_" * 13, "", NUMBER[:-1], NAME):
            assert customer_records.find_by_phone(session, asked) is None
            assert customer_records.find_by_external_ref(session, asked) is None
        assert session.exec(select(Callback)).all() == []
        assert audit_log.staff_actor(NONE).kind == "staff"
