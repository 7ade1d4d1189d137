"""I1: a look-up that can miss tells by its miss as well. Of every role, over every channel, by
number, ticket, reference, address or id: each is an entry, hit or miss, and refused when too many
have missed.

A new look-up needs its row in :data:`ROWS`. Was red on c916469.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import col, select

from people.approvals import bootstrap
from people.models import Role, Staff
from people.staff import api_tokens
from storage.column_types import new_id
from tests.channels.conftest import PHONE, Console, Tab, make_console
from tests.ids import without_random
from vault.models import AuditEntry

MANY = 100
REASON = "asked by the data protection officer"
#: What an entry must not hold: of a number, an address, a reference, a ticket and a case.
PERSONAL = ("7400", "example.org", "REF-", "T-9", "C22")


@dataclass
class Desk:
    """Somebody at work: their tab, their token, and a callback they hold."""

    console: Console
    who: UUID
    tab: Tab
    token: dict[str, str]
    callback: UUID | None = None

    def api(self, method: str, path: str, **more: Any) -> Any:
        client = self.console.app.test_client()
        return client.open(f"/api/v1/{path}", method=method, headers=self.token, **more)

    def book(self, **customer: Any) -> Any:
        """A booking that cannot be made, since its time is over: only the look-up stays."""
        at = (self.console.now - timedelta(days=1)).replace(second=0, microsecond=0)
        body = {"starts_at": at.isoformat(), "minutes": 15, "topic": "x", **customer}
        return self.api("POST", "callbacks", json=body)


def number(n: int) -> str:
    return f"+4474006{n:05d}"


def _reference(n: int) -> str:
    letters = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
    return f"C22222{letters[n // 30]}{letters[n % 30]}"


def _new(n: int, **more: str) -> dict[str, Any]:
    return {"customer": {"phone": number(n), "name": "Gwen Jones", **more}}


Act = Callable[[Desk, int], Any]


@dataclass(frozen=True)
class Row:
    """A look-up: who may, how it misses for the n-th time, the act that it is recorded as, and
    how it hits."""

    role: Role
    miss: Act
    action: str
    hit: Act | None = None


_FIND, _WHO = "/staff/book/find", "/staff/audit/customer"
A, S, I = Role.AGENT, Role.SUPERVISOR, Role.INVESTIGATOR  # noqa: E741
LOOK_UP, UNKNOWN = "customer.look_up", "page.not_found"
ROWS = {
    "book: number": Row(
        A,
        lambda d, n: d.tab.post(_FIND, {"find": number(n), "purpose": "answer"}),
        LOOK_UP,
        lambda d, _: d.tab.post(_FIND, {"find": PHONE, "purpose": "answer"}),
    ),
    "book: number between invisible marks": Row(  # refused as a ticket, after the look-up
        A,
        lambda d, n: d.tab.post(_FIND, {"find": f"\u202c{number(n)}\u202c", "purpose": "answer"}),
        LOOK_UP,
        lambda d, _: d.tab.post(_FIND, {"find": f"\u202c{PHONE}\u202c", "purpose": "answer"}),
    ),
    "book: ticket": Row(
        A,
        lambda d, n: d.tab.post(_FIND, {"find": f"T-9{n:03d}", "purpose": "answer"}),
        LOOK_UP,
        lambda d, _: d.tab.post(_FIND, {"find": "T-1001", "purpose": "answer"}),
    ),
    "API: number": Row(
        A,
        lambda d, n: d.book(**_new(n)),
        LOOK_UP,
        lambda d, _: d.book(customer={"phone": PHONE, "name": "Gwen Jones"}),
    ),
    "API: reference of a new customer": Row(
        A, lambda d, n: d.book(**_new(1, external_ref=f"REF-{n}")), LOOK_UP
    ),
    "API: customer's id": Row(A, lambda d, n: d.book(customer_id=str(new_id())), LOOK_UP),
    "API: callback's id": Row(A, lambda d, n: d.api("GET", f"callbacks/{new_id()}"), UNKNOWN),
    "card": Row(A, lambda d, n: d.tab.get(f"/staff/callback/{new_id()}"), UNKNOWN),
    "another number": Row(
        A,
        lambda d, n: d.tab.post(
            f"/staff/callback/{d.callback}/number", {"number": number(n), "why": REASON}
        ),
        "approval.ask",
    ),
    "who read a customer": Row(
        I,
        lambda d, n: d.tab.post(_WHO, {"phone": number(n), "reason": REASON}),
        LOOK_UP,
        lambda d, _: d.tab.post(_WHO, {"phone": PHONE, "reason": REASON}),
    ),
    "erase: number": Row(
        I,
        lambda d, n: d.tab.post("/staff/approvals/erase", {"customer": number(n), "why": REASON}),
        LOOK_UP,
        lambda d, _: d.tab.post("/staff/approvals/erase", {"customer": PHONE, "why": REASON}),
    ),
    "erase: reference": Row(
        I,
        lambda d, n: d.tab.post("/staff/approvals/erase", {"customer": f"REF-{n}", "why": REASON}),
        LOOK_UP,
    ),
    "case": Row(I, lambda d, n: d.tab.get(f"/staff/cases/{_reference(n)}"), UNKNOWN),
    "customer of a case": Row(
        I,
        lambda d, n: d.tab.post(_WHO, {"case": _reference(n), "customer": str(new_id())}),
        UNKNOWN,
    ),
    "a reading": Row(I, lambda d, n: d.tab.get(f"{_WHO}/{new_id()}"), UNKNOWN),
    "team": Row(S, lambda d, n: d.tab.get(f"/staff/team/{new_id()}"), UNKNOWN),
    "role": Row(S, lambda d, n: d.tab.post(f"/staff/people/{new_id()}/role"), UNKNOWN),
    "link": Row(S, lambda d, n: d.tab.post(f"/staff/colleagues/{new_id()}/link"), UNKNOWN),
}


@pytest.fixture
def console(database: str, tmp_path: Path) -> Iterator[Console]:
    made = make_console(database, tmp_path)
    yield made
    made.context.engine.dispose()


@pytest.fixture
def desk(console: Console, request: pytest.FixtureRequest) -> Desk:
    role = ROWS[request.node.callspec.params["name"]].role
    who = console.member("ana@example.org", role)
    console.customer()
    callback = None
    if role is A:
        callback = console.callback(who)
    with console.unit() as session:
        token = api_tokens.create_api_token(session, session.get_one(Staff, who), "t", console.now)
    tab = console.sign_in("ana@example.org")
    return Desk(console, who, tab, {"Authorization": f"Bearer {token}"}, callback)


def entries(console: Console, action: str) -> list[AuditEntry]:
    with console.unit() as session:
        found = select(AuditEntry).where(col(AuditEntry.action) == action)
        return list(session.exec(found.order_by(col(AuditEntry.id))).all())


def holds_personal(entry: AuditEntry) -> bool:
    words = without_random(f"{entry.purpose} {entry.detail}")
    return any(part in words for part in PERSONAL)


def test_what_is_personal_is_found_beside_an_id():
    row = "0188f3a0-7400-7400-8740-017400740000"
    assert not holds_personal(AuditEntry(purpose="asked", detail=row))
    assert holds_personal(AuditEntry(purpose="asked", detail=f"{row} +447400123456"))


@pytest.mark.parametrize("name", ROWS)
def test_each_miss_is_an_entry_or_refused(desk, name):
    row, console = ROWS[name], desk.console
    for n in range(MANY):
        before = len(entries(console, row.action))
        answer = row.miss(desk, n)
        if answer.status_code == 429:
            assert n >= 5, "too soon to work with"
            break
        assert answer.status_code < 500
        assert len(entries(console, row.action)) == before + 1, (n, answer.status_code)
    else:
        pytest.fail("nothing was refused")
    for entry in entries(console, row.action):
        assert entry.staff_id == desk.who
        assert not holds_personal(entry)


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.hit])
def test_a_hit_is_written_like_a_miss(desk, name):
    row = ROWS[name]
    before = len(entries(desk.console, row.action))
    row.miss(desk, 1)
    row.hit(desk, 1)
    miss, hit = entries(desk.console, row.action)[before:]
    assert (miss.customer_id is None, hit.customer_id is None) == (True, False)
    assert (miss.purpose, miss.actor, miss.staff_id) == (hit.purpose, hit.actor, hit.staff_id)


@pytest.mark.parametrize("name", ["card", "case"])
def test_the_same_is_written_each_time_and_counts_once(desk, name):
    same = {"card": f"/staff/callback/{new_id()}", "case": "/staff/cases/C2222222"}[name]
    for _ in range(70):
        assert desk.tab.get(same).status_code == 404
    found = entries(desk.console, UNKNOWN)
    assert len(found) == 70
    assert len({entry.detail for entry in found}) == 1


def test_a_colleagues_address_is_a_look_up_too(console):
    """To a supervisor it tells something that there is one."""
    console.member("sue@example.org", Role.SUPERVISOR)
    tab = console.sign_in("sue@example.org")
    for n in range(12):
        console.member(f"n{n}@example.org")
    said = []
    for n in range(12):
        form = {"email": f"n{n}@example.org", "name": "Nia Ray", "role": "agent", "why": REASON}
        said.append(tab.post("/staff/people", form).status_code)
    assert said == [422] * 10 + [429] * 2
    found = entries(console, "staff.look_up")
    assert [(item.purpose, item.detail) for item in found] == [("staff.add", "found")] * 10


@pytest.mark.parametrize(
    ("command", "action"),
    [
        (("customers", "erase", "--phone", "+447400600001"), LOOK_UP),
        (("customers", "erase", "--reference", "REF-1"), LOOK_UP),
        (("staff", "phone", "--email", "nobody@example.org", "--number", PHONE), "staff.look_up"),
        (("staff", "off", "--email", "nobody@example.org"), "staff.look_up"),
        (("staff", "role", "--email", "nobody@example.org", "--role", "agent"), "staff.look_up"),
        (("staff", "invite", "--email", "nobody@example.org"), "staff.look_up"),
        (("token", "add", "--staff", "nobody@example.org"), "staff.look_up"),
        (
            ("staff", "add", "--email", "ana@example.org", "--name", "A B", "--role", "agent"),
            "staff.look_up",
        ),
    ],
    ids=lambda each: " ".join(each[:3]) if isinstance(each, tuple) else "",
)
def test_the_command_line_leaves_an_entry_for_each(console, command, action):
    console.member("ana@example.org")
    run = console.app.test_cli_runner()
    for n in range(3):
        assert run.invoke(args=command).exit_code == 1
        found = entries(console, action)
        assert len(found) == n + 1
    assert {item.actor for item in found} == {"operator"}
    assert not any(holds_personal(entry) for entry in found)


def test_the_command_line_leaves_one_for_a_hit(console):
    console.customer()
    with console.unit() as session:
        assert bootstrap.is_bootstrap_open(session, console.now)
    run = console.app.test_cli_runner()
    assert run.invoke(args=("customers", "erase", "--phone", PHONE)).exit_code == 0
    (entry,) = entries(console, LOOK_UP)
    assert (entry.detail, entry.customer_id is None) == ("found", False)


def test_trying_an_import_is_a_look_up(console, tmp_path: Path):
    """It says how many of a list are customers, and nobody has approved it."""
    console.customer()
    file = tmp_path / "list.csv"
    file.write_text(f"external_ref,phone,name\nX1,{PHONE},Gwen Jones\n")
    answer = console.app.test_cli_runner().invoke(
        args=("customers", "import", str(file), "--dry-run")
    )
    assert "refused" in answer.output
    (entry,) = entries(console, "import.try")
    assert entry.actor == "operator"


def test_what_is_typed_as_a_purpose_of_the_log_is_not_kept_in_it(console):
    """Anything can be typed there, a number too; what no entry has is counted."""
    console.member("ines@example.org", Role.INVESTIGATOR)
    tab = console.sign_in("ines@example.org")
    said = [tab.get(f"/staff/audit?purpose=07400 6{n:05d}").status_code for n in range(62)]
    assert said == [200] * 60 + [429] * 2
    found = entries(console, "audit.read")
    assert len({item.detail for item in found}) == 60
    assert not any("7400" in item.detail for item in found)
    assert tab.get("/staff/audit?purpose=oversight").status_code == 200
    assert entries(console, "audit.read")[-1].detail == "oversight"
