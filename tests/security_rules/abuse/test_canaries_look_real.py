"""A canary is a customer like any other to everybody but investigators: to the byte in whatever a
role, a channel or the customer sees, in each statement it takes, and in a copy of the store."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import col, select

from incidents.canaries import store
from incidents.canaries.job import CanaryDetectionJob
from incidents.canaries.models import CanaryBatch
from incidents.cases.models import Case, CaseEvidence, CaseSubject
from messaging.models import OutboxMessage
from people.models import Customer, Role, Staff
from scheduling.models import Callback
from tests.channels.conftest import Console, Tab, make_console
from tests.channels.support import a_text, a_token, signed_post
from tests.security_rules.support.check_channels import SETTINGS
from tests.security_rules.support.cost_counters import statements
from vault.keys import field_encryption
from vault.models import AuditEntry, DataKey

WARM, REAL, CANARY = "+447400100112", "+447400300112", "+447400200112"
HEAD = "external_ref,phone,name,locale,timezone\n"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
Seen = tuple[str, int, str, list[str]]


@pytest.fixture
def console(database: str, tmp_path: Path) -> Iterator[Console]:
    """An installation whose customers came in with an import, a canary among them."""
    made = make_console(database, tmp_path, **SETTINGS)
    # Index keys are reread every few seconds, for canaries and other customers alike.
    made.context.ring._index._ticks = lambda: 0.0
    command(made, tmp_path, [CANARY], "canaries", "add", "--numbers", "--ref", "C-####")
    with made.unit() as session:
        known = store.load_canaries(session).canaries
        store.update_canaries(session, [replace(item, name="Gwen Jones") for item in known])
    rows = [f"C-{n:06},+4474009{n:05},Ivo Klein,en,Europe/London\n" for n in range(40)]
    rows[5] = f"C-9001,{WARM},Gwen Jones,en,Europe/London\n"
    rows[25] = f"C-9002,{REAL},Gwen Jones,en,Europe/London\n"
    take(made, tmp_path, rows)
    yield made
    made.context.engine.dispose()


def command(console: Console, folder: Path, lines: list[str], *words: str) -> str:
    """A command with a file of these lines after its third word."""
    file = folder / "given"
    file.write_text("\n".join(lines))
    args = [*words[:3], str(file), *words[3:]]
    result = console.app.test_cli_runner().invoke(args=args)
    assert result.exit_code == 0, result.output
    return result.output


def take(console: Console, folder: Path, rows: list[str]) -> str:
    file = folder / "people.csv"
    file.write_text(HEAD + "".join(rows))
    return console.app.test_cli_runner().invoke(args=["customers", "import", str(file)]).output


class Visit:
    """All that can be done with one customer, and what is seen and what it asks of the store."""

    def __init__(self, console: Console, phone: str, email: str) -> None:
        self.console, self.phone, self.email = console, phone, email
        self.seen: list[Seen] = []
        self.agent = console.member(email)
        self.tab = console.sign_in(email)

    def note(self, name: str, act: Callable[[], Any]) -> Any:
        with statements(self.console.context.engine) as asked:
            answer = act()
        self.seen.append((name, answer.status_code, self.masked(answer.text), asked))
        return answer

    def masked(self, text: str) -> str:
        text = re.sub(r'name="(key|entry)" value="[^"]+"', "KEY", text)
        text = re.sub(r"\b(T-\d{3}|[0-9A-Z]{5}-[0-9A-Z]{5})\b", "TICKET", text)
        text = _UUID.sub("ID", _TOKEN.sub("TOKEN", text))
        shown = self.phone[3:]
        for item in (self.phone, self.phone[1:], shown, f"{shown[:4]} {shown[4:]}"):
            text = text.replace(item, "PHONE")
        return re.sub(r"\b[RC][2-9A-Z]{7}\b", "REFERENCE", re.sub(r"\?at=[^\"]+", "", text))

    def all(self) -> list[Seen]:
        for part in (self.as_agent, self.by_api, self.by_text, self.on_own_pages, self.by_web):
            part()
        return self.seen

    def as_agent(self) -> None:
        chosen = {"find": self.phone, "purpose": "asked_us"}
        self.note("look up", lambda: self.tab.post("/staff/book/find", chosen))
        at = self.console.now + timedelta(hours=3)
        form = {**chosen, "topic": "your router", "ticket": f"T-{self.phone[5:8]}", "slot": "other"}
        form |= {"minutes": "15", "on": f"{at:%Y-%m-%d}", "at": f"{at:%H:00}"}
        booked = self.note("book", lambda: self.tab.post("/staff/book", form))
        assert booked.status_code == 303, booked.text
        for path in ("/staff/day", "/staff/week", f"/staff/callback/{self.callback}"):
            self.note("page", lambda path=path: self.tab.get(path))
        self.note(
            "by ticket",
            lambda: self.tab.post("/staff/book/find", {**chosen, "find": form["ticket"]}),
        )

    @property
    def callback(self) -> UUID:
        with self.console.unit() as session:
            return session.exec(select(Callback.id).where(Callback.agent_id == self.agent)).one()

    def by_api(self) -> None:
        client, headers = (
            self.console.app.test_client(),
            a_token(self.console.app, email=self.email),
        )
        path = f"/api/v1/callbacks/{self.callback}"
        self.note("api", lambda: client.get(path, headers=headers))

    def by_text(self) -> None:
        client = self.console.app.test_client()
        for word in ("hello", "CHECK", "123456", "SCAM", "MOVE"):
            sid = f"SM{os.urandom(16).hex()}"
            self.note(word, lambda word=word, sid=sid: a_text(client, word, sid, sender=self.phone))
        form = {"CallSid": f"CA{os.urandom(16).hex()}", "From": self.phone, "Digits": "123456"}
        self.note("keypad", lambda: signed_post(client, "/twilio/voice/code", form))

    def on_own_pages(self) -> None:
        client = self.console.app.test_client()
        token = _TOKEN.search(client.get("/my").text)[1]

        def post(path: str, **form: str) -> Any:
            return client.post(path, data={"csrf_token": token, "phone": self.phone, **form})

        self.note("ask", lambda: post("/my/number", medium="text"))
        self.note("prove", lambda: post("/my/prove", number=self.number()))
        pages = ("", "/calls", "/openings", "/settings", f"/call/{self.callback}")
        for path in pages:
            self.note("own", lambda path=path: client.get(f"/my{path}"))

    def number(self) -> str:
        with self.console.unit() as session:
            row = session.exec(
                select(OutboxMessage)
                .where(OutboxMessage.kind == "proof")
                .order_by(col(OutboxMessage.id).desc())
            ).first()
            key = field_encryption.load_data_key(session, row.customer_id)
            return re.search(
                r"\d{4} \d{4}", key.open_field("outbox_message", "body", row.id, row.body)
            )[0]

    def by_web(self) -> None:
        client = self.console.app.test_client()
        body = {"phone": self.phone, "code": "123456"}
        self.note("check", lambda: client.post("/check", data=body))
        self.note("api check", lambda: client.post("/api/v1/checks", json=body))


def test_no_role_and_no_channel_sees_or_costs_anything_else(console):
    """Each by an agent of their own, who have the same name; a first one warms everything up."""
    phones = (WARM, REAL, CANARY)
    visits = [Visit(console, each, f"ana@{n}.example.org") for n, each in enumerate(phones)]
    _, on_real, on_canary = [visit.all() for visit in visits]
    for real, canary in zip(on_real, on_canary, strict=True):
        assert real[:2] == canary[:2]
        assert real[2].splitlines() == canary[2].splitlines()
        assert real[3] == canary[3]
    assert len(on_canary) > 20


def supervisors(tab: Tab) -> str:
    return "".join(tab.get(f"/staff/{path}").text for path in ("team", "teams", "coverage"))


def test_supervisors_see_no_trace_of_a_canary_nor_of_its_case(console):
    Visit(console, CANARY, "ana@1.example.org").as_agent()
    console.member("sam@example.org", Role.SUPERVISOR)
    console.member("ines@example.org", Role.INVESTIGATOR)
    before = supervisors(console.sign_in("sam@example.org"))
    with console.unit() as session:
        CanaryDetectionJob()(session, console.now)
    after = supervisors(console.sign_in("sam@example.org"))
    assert _TOKEN.sub("", before) == _TOKEN.sub("", after)
    with console.unit() as session:
        assert session.exec(select(Case.kind)).all() == ["canary"]


def test_a_copy_of_the_store_does_not_tell_which_customer_it_is(console):
    """Everything plain about a canary is there of its neighbours too; its order tells nothing."""
    Visit(console, REAL, "ana@1.example.org").all()
    Visit(console, CANARY, "ana@2.example.org").all()
    with console.unit() as session:
        CanaryDetectionJob()(session, console.now)
    with console.unit() as session:
        shapes = [shape(session, phone) for phone in (REAL, CANARY)]
        assert shapes[0] == shapes[1]
        who = found(session, CANARY)
        for row in session.exec(select(CaseEvidence).where(CaseEvidence.kind == "canary")):
            told = f"{row.ref} {row.facts} {row.customer_id}"
            assert str(who.id) not in told
            assert CANARY[1:] not in told
            entries = session.exec(select(AuditEntry).where(AuditEntry.customer_id == who.id))
            assert row.ref not in {str(entry.id) for entry in entries}
            assert (row.at.second, row.at.microsecond) == (0, 0)
        batch = session.exec(select(CanaryBatch)).one()
        assert batch.id.version == 4
        assert len(batch.kept) % store.PADDING_LENGTH == 1 + 24 + 16


def found(session: Any, phone: str) -> Customer:
    from people.customers import customer_records

    customer = customer_records.find_by_phone(session, phone)
    assert customer is not None
    return customer


def shape(session: Any, phone: str) -> dict[str, Any]:
    """What somebody without keys sees of a customer, but for what is random in everybody."""
    who = found(session, phone)
    key = session.get_one(DataKey, who.id)
    entries = session.exec(
        select(AuditEntry).where(AuditEntry.customer_id == who.id).order_by(col(AuditEntry.id))
    )
    return {
        "row": [len(v) if isinstance(v, bytes) else v for v in (who.phone, who.name)],
        "plain": (who.locale, who.timezone, len(who.phone_index), len(who.external_ref)),
        "key": len(key.wrapped),
        "master": key.wrapped.split(b":")[0],
        "trail": [(e.actor, e.action, e.purpose, bool(e.callback_id)) for e in entries],
    }


def test_it_comes_in_among_the_others_of_an_import(console, tmp_path):
    """By ids, by times and by the order of audit entries it is one of the crowd, anywhere in it."""
    with console.unit() as session:
        ids = set(session.exec(select(Customer.id)))
        who = found(session, CANARY)
        added = session.exec(
            select(AuditEntry)
            .where(AuditEntry.action == "customer.add")
            .order_by(col(AuditEntry.id))
        ).all()
    assert {item.at for item in added} == {who.created_at}
    assert {item.customer_id for item in added} == ids
    times = [item.customer_id.int >> 80 for item in added]
    assert times == sorted(times)
    assert {(e.actor, e.purpose) for e in added} == {("operator", "import")}
    assert len(ids) == 41


def test_where_it_stands_in_an_import_is_by_chance(console, tmp_path):
    numbers = [f"+4474005{n:05}" for n in range(30)]
    command(console, tmp_path, numbers, "canaries", "add", "--numbers", "--ref", "D-####")
    with console.unit() as session:
        before = set(session.exec(select(Customer.id)))
    take(console, tmp_path, [f"E-{n:06},+4474007{n:05},Ivo Klein,en,\n" for n in range(90)])
    with console.unit() as session:
        fresh = sorted(set(session.exec(select(Customer.id))) - before)
        mine = {found(session, number).id for number in numbers}
    places = [n for n, each in enumerate(fresh) if each in mine]
    assert len(fresh) == 120
    assert len(places) == 30
    assert 20 < sum(places) / 30 < 100
    assert len({b - a for a, b in pairwise(places)}) > 2


def test_a_planted_callback_is_met_in_turn(console):
    """Ana books it as for anybody, which is seen; Ben, who is given the call, is at his work."""
    visit = Visit(console, CANARY, "ana@1.example.org")
    visit.as_agent()
    ids = [str(visit.callback), "01930000-0000-7000-8000-000000000000"]
    run = console.app.test_cli_runner().invoke
    assert [run(args=["canaries", "plant", id_]).exit_code for id_ in ids] == [0, 1]
    ben = console.member("ben@example.org")
    with console.unit() as session:
        callback = session.get_one(Callback, visit.callback)
        callback.agent_id = ben
        session.add(callback)
    path = f"/staff/callback/{callback.id}"
    assert "Gwen Jones" in console.sign_in("ben@example.org").get(path).text
    with console.unit() as session:
        CanaryDetectionJob()(session, console.now)
        assert session.exec(select(CaseSubject.staff_id)).all() == [visit.agent]


def test_the_operator_is_told_how_many_and_no_more(console):
    told = console.app.test_cli_runner().invoke(args=["canaries", "list"]).output
    assert told == "1 canaries, 0 of them still to come in.\n"


def test_a_canary_in_a_file_that_is_imported_raises_a_case(console, tmp_path):
    said = take(console, tmp_path, [f"Z-1,{CANARY},Gwen Jones,en,\n"])
    assert "1 refused" in said
    assert "canar" not in said.lower()
    with console.unit() as session:
        assert '"what": "import"' in session.exec(select(CaseEvidence.facts)).one()


@pytest.mark.parametrize("path", ["/twilio/sms", "/twilio/voice"])
def test_a_call_or_text_to_its_number_raises_a_case_and_is_not_answered(console, path):
    client = console.app.test_client()
    sid = {"MessageSid": "SM1", "Body": "hello"} if path == "/twilio/sms" else {"CallSid": "CA1"}
    form = {"From": "+447400999999", "To": CANARY, **sid}
    for _ in range(2):
        answer = signed_post(client, path, form)
        assert answer.status_code == 200
        assert "<Message>" not in answer.text
        assert "<Say" not in answer.text
    with console.unit() as session:
        assert len(session.exec(select(CaseEvidence)).all()) == 1
    ours = signed_post(client, path, {**form, "To": "+442079460123"})
    assert "Say" in ours.text or "Message" in ours.text


def test_nobody_its_case_names_sees_the_case(console):
    """Rule I5, for an investigator who looked a canary up while an agent."""
    from incidents.cases import board

    Visit(console, CANARY, "ana@1.example.org").as_agent()
    with console.unit() as session:
        CanaryDetectionJob()(session, console.now)
        named = session.exec(select(Staff)).one()
        named.role = Role.INVESTIGATOR
        session.add(named)
        session.flush()
        assert board.load_case_board(session, named.id, board.OPEN, console.now).rows == []
