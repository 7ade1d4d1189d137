"""I6: who can write to the database but has no key can cause no *genuine* verdict, and be let in as
nobody. Each test here is such a writer, by statements of their own, past the application."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, create_engine, select, update
from sqlmodel import SQLModel

from channels.rate_limits import ExternalCounters
from messaging.dispatch import leases
from people.customers import customer_records
from people.models import Customer, Staff
from people.passkeys import credential_records
from people.staff import api_tokens, link_creation, staff_enrolment, staff_records, staff_status
from scheduling import callback_fields
from scheduling.calendars import calendar_feeds
from scheduling.errors import WrongState
from scheduling.models import Callback
from tests import factories
from tests.channels.conftest import PHONE, Console, make_console
from tests.security_rules.support import failed_check_cases
from tests.security_rules.support.check_channels import SETTINGS
from vault import external_counters
from verification import call_end, call_session, issued_codes

VICTIM, ACCOMPLICE = PHONE, "+447400555555"
_CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


class Writer:
    """Somebody with the database's password, and none of ours."""

    def __init__(self, engine: Engine) -> None:
        url = engine.url.render_as_string(hide_password=False)
        self._engine = create_engine(url)

    def row(self, table: str, key: Any) -> dict[str, Any]:
        of = SQLModel.metadata.tables[table]
        with self._engine.begin() as work:
            return dict(work.execute(select(of).where(of.c.id == key)).mappings().one())

    def only(self, table: str) -> dict[str, Any]:
        with self._engine.begin() as work:
            return dict(work.execute(select(SQLModel.metadata.tables[table])).mappings().one())

    def put(self, table: str, key: Any, **values: Any) -> None:
        of = SQLModel.metadata.tables[table]
        with self._engine.begin() as work:
            work.execute(update(of).where(of.c.id == key).values(**values))

    def put_back(self, table: str, row: dict[str, Any]) -> None:
        self.put(table, row["id"], **{k: v for k, v in row.items() if k != "id"})

    def swap(self, table: str, column: str, one: Any, other: Any) -> None:
        mine, theirs = self.row(table, one)[column], self.row(table, other)[column]
        self.put(table, one, **{column: b"x" * 16})  # an index may be there once
        self.put(table, other, **{column: mine})
        self.put(table, one, **{column: theirs})


@pytest.fixture
def console(database: str, tmp_path: Path) -> Iterator[Console]:
    """A console on a fresh store, that can be asked over every channel."""
    made = make_console(database, tmp_path, **SETTINGS)
    yield made
    made.context.engine.dispose()


@pytest.fixture
def writer(console: Console) -> Writer:
    return Writer(console.context.engine)


@contextmanager
def at_work(console: Console):
    """A unit of work as the application opens one, with what is counted outside the database."""
    from storage.session import transaction

    here = console.context
    with transaction(here.engine, info=dict(here.info)) as session:
        yield session


def started(console: Console, callback: UUID) -> str:
    with at_work(console) as session:
        row = session.get_one(Callback, callback)
        return call_session.start_call(session, row, console.context.policy, console.now).code


def verdict(console: Console, phone: str, code: str) -> str:
    answer = console.app.test_client().post("/api/v1/checks", json={"phone": phone, "code": code})
    assert answer.status_code in (200, 503), answer.text
    return answer.json["verdict"]


def a_call(console: Console, phone: str = VICTIM) -> tuple[UUID, str]:
    letters = str.maketrans("0123456789", "abcdefghij")
    name = f"a{phone[-4:]}{console.now:%H%M%S}".translate(letters)
    agent = console.member(f"{name}@example.org")
    callback = console.callback(agent, 10, phone)
    console.wait(minutes=10)
    return callback, started(console, callback)


def no_genuine(console: Console, phone: str, code: str) -> None:
    for channel, ask in failed_check_cases.CHANNELS.items():
        answer = ask(console.app, phone, code)
        assert answer.status_code < 500 or answer.status_code == 503, channel
        assert b"reply_word" not in answer.data, channel
        plain = re.sub(r"<[^>]+>|\s+", " ", answer.text).lower()
        assert "your router" not in plain, (channel, plain)


def test_a_number_swapped_with_an_accomplices_makes_no_genuine_verdict(console, writer):
    """Was red on c916469."""
    agent = console.member("ana@example.org")
    victim, other = console.customer(VICTIM), console.customer(ACCOMPLICE, "Al Accomplice")
    callback = console.callback(agent, 10, ACCOMPLICE)
    writer.swap("customer", "phone_index", victim, other)
    console.wait(minutes=10)
    code = started(console, callback)
    writer.swap("customer", "phone_index", victim, other)
    assert verdict(console, VICTIM, code) == "not_confirmed"
    assert verdict(console, ACCOMPLICE, code) == "genuine"


def test_a_number_swapped_with_an_accomplices_opens_no_page(console, writer):
    """Was red on c916469."""
    victim, other = console.customer(VICTIM), console.customer(ACCOMPLICE, "Al Accomplice")
    writer.swap("customer", "phone_index", victim, other)
    browser = console.app.test_client()
    token = _CSRF.search(browser.get("/my").text)[1]
    browser.post("/my/number", data={"csrf_token": token, "phone": ACCOMPLICE})
    with console.unit() as session:
        rules = console.context.rules
        assert not leases.lease_messages(session, console.now, "post", rules, 50)


@pytest.mark.parametrize("swapped", ["phone_index", "external_ref_index"])
def test_a_customer_whose_index_is_not_their_own_is_not_found(console, writer, swapped):
    """Was red on c916469."""
    made = {}
    with console.unit() as session:
        for phone, ref in ((VICTIM, "crm-1"), (ACCOMPLICE, "crm-2")):
            new = factories.a_customer(session, console.now, phone, external_ref=ref)
            made[phone] = new.id
    writer.swap("customer", swapped, *made.values())
    with console.unit() as session:
        if swapped == "phone_index":
            assert customer_records.find_by_phone(session, VICTIM) is None
        else:
            assert customer_records.find_by_external_ref(session, "crm-1") is None
    writer.swap("customer", swapped, *made.values())
    with console.unit() as session:
        assert customer_records.find_by_phone(session, VICTIM).id == made[VICTIM]
        assert customer_records.find_by_external_ref(session, "crm-1").id == made[VICTIM]


def test_staff_tickets_and_passkeys_are_not_found_by_an_index_of_others(console, writer):
    """Was red on c916469."""
    ana, ben = console.member("ana@example.org"), console.member("ben@example.org")
    first, second = console.callback(ana, 60, VICTIM), console.callback(ben, 60, ACCOMPLICE)
    with console.unit() as session:
        mine = credential_records.store_passkey(
            session, ana, b"mine", b"key", 0, "phone", console.now
        ).id
        theirs = credential_records.store_passkey(
            session, ben, b"theirs", b"key", 0, "phone", console.now
        ).id
        found = callback_fields.find_customer_by_ticket(session, "T-1001")
        assert found == session.get_one(Callback, second).customer_id
    writer.swap("staff", "email_index", ana, ben)
    writer.swap("passkey", "credential_index", mine, theirs)
    writer.put("callback", second, ticket_index=b"z" * 16, ticket=None)
    writer.put("callback", second, ticket_index=writer.row("callback", first)["ticket_index"])
    with console.unit() as session:
        assert staff_records.find_staff_by_email(session, "ana@example.org") is None
        assert credential_records.lock_passkey(session, b"mine") is None
        assert callback_fields.find_customer_by_ticket(session, "T-1001") is None


@pytest.mark.parametrize(
    "values",
    [
        {"tries_open": 0},
        {"tries_own": 0},
        {"valid_until": timedelta(hours=5)},
        {"valid_from": timedelta(hours=-5)},
        {"reissued": 0},
        {"digits": 1},
        {"closed_at": None, "tries_open": 0},
        {"confirmed_at": timedelta(0), "confirmed_by": "web"},
    ],
    ids=",".join,
)
def test_a_code_that_is_reset_between_guesses_is_dead(console, writer, values):
    """Was red on c916469."""
    callback, code = a_call(console)
    for n in range(5):
        assert verdict(console, VICTIM, factories.wrong(code, n + 1)) == "not_confirmed"
    row = _code_of(writer, callback)
    moments = {
        name: console.now + value if isinstance(value, timedelta) else value
        for name, value in values.items()
    }
    writer.put("code", row["id"], **({"tries_open": 0} | moments))
    no_genuine(console, VICTIM, code)


def _code_of(writer: Writer, callback: UUID) -> dict[str, Any]:
    of = SQLModel.metadata.tables["code"]
    with writer._engine.begin() as work:
        found = work.execute(select(of).where(of.c.callback_id == callback)).mappings().one()
    return dict(found)


def test_an_old_row_put_back_between_guesses_gives_no_more_than_fifteen(console, writer):
    """Was red on c916469: the mark of the row holds, so its wrong tries are counted outside too."""
    callback, code = a_call(console)
    fresh = _code_of(writer, callback)
    with console.unit() as session:
        session.info.clear()
    for n in range(15):
        console.wait(seconds=20)
        writer.put_back("code", fresh)
        assert _by_domain(console, factories.wrong(code, n + 1)) == "NotConfirmed"
    writer.put_back("code", fresh)
    assert _by_domain(console, code) == "NotConfirmed"


def test_ten_wrong_tries_of_two_kinds_leave_a_code_alive_until_they_are_ten(console, writer):
    callback, code = a_call(console)
    fresh = _code_of(writer, callback)
    for n in range(14):
        writer.put_back("code", fresh)
        assert _by_domain(console, factories.wrong(code, n + 1)) == "NotConfirmed"
    writer.put_back("code", fresh)
    assert _by_domain(console, code) == "Genuine"


def _by_domain(console: Console, code: str) -> str:
    from storage.session import core_transaction
    from verification.code_check import check_code
    from verification.verdicts import Channel

    here = console.context
    with core_transaction(here.engine, here.info) as work:
        found = check_code(
            work, VICTIM, code, Channel.WEB, console.now, organisation="Example Bank"
        )
    return type(found).__name__


def test_a_code_that_was_confirmed_is_not_confirmed_again_by_an_old_row(console, writer):
    """Was red on c916469."""
    callback, code = a_call(console)
    code_before, call_before = _code_of(writer, callback), writer.row("callback", callback)
    assert verdict(console, VICTIM, code) == "genuine"
    writer.put_back("code", code_before)
    writer.put_back("callback", call_before)
    assert verdict(console, VICTIM, code) == "not_confirmed"


def test_a_code_that_ended_or_was_replaced_is_not_revived_by_an_old_row(console, writer):
    """Was red on c916469."""
    callback, code = a_call(console)
    code_before, call_before = _code_of(writer, callback), writer.row("callback", callback)
    with at_work(console) as session:
        row = session.get_one(Callback, callback)
        issued_codes.reissue_code(session, row, console.context.policy, console.now)
    after = _code_of(writer, callback)
    writer.put_back("code", code_before)
    assert verdict(console, VICTIM, code) == "not_confirmed"
    writer.put_back("code", after)
    with at_work(console) as session:
        row = session.get_one(Callback, callback)
        call_end.end_call(session, row, "reached", console.context.policy, console.now)
    writer.put_back("code", after)
    writer.put_back("callback", call_before)
    no_genuine(console, VICTIM, code)


@pytest.mark.parametrize("column", ["agent_id", "starts_at", "state", "customer_id", "ends_at"])
def test_a_callback_that_is_changed_is_told_of_as_genuine_to_nobody(console, writer, column):
    """Was red on c916469: the customer was promised another agent, time or call."""
    callback, code = a_call(console)
    other = console.customer(ACCOMPLICE, "Al Accomplice")
    changed = {
        "agent_id": console.member("ben@example.org"),
        "starts_at": console.now + timedelta(hours=3),
        "ends_at": console.now + timedelta(hours=3),
        "state": "booked",
        "customer_id": other,
    }
    writer.put("callback", callback, **{column: changed[column]})
    no_genuine(console, VICTIM, code)
    with pytest.raises(WrongState), at_work(console) as session:
        row = session.get_one(Callback, callback)
        if row.state == "booked":
            call_session.start_call(session, row, console.context.policy, console.now)
        issued_codes.current_code(session, row, console.now)


def test_a_callback_that_its_customer_refused_cannot_be_booked_again_in_the_table(console, writer):
    """Was red on c916469."""
    from scheduling.booking import cancellations

    agent = console.member("ana@example.org")
    callback = console.callback(agent, 10)
    with console.unit() as session:
        cancellations.refuse_callback(session, session.get_one(Callback, callback), console.now)
    writer.put("callback", callback, state="booked", ended_at=None)
    console.wait(minutes=10)
    with pytest.raises(WrongState):
        started(console, callback)


def test_a_role_changed_in_the_table_lets_nobody_act_by_it(console, writer):
    """Was red on c916469: session and token said another role, but signing in again did not."""
    ana, tab = console.agent()
    with console.unit() as session:
        token = api_tokens.create_api_token(session, session.get_one(Staff, ana), "x", console.now)
        feed = calendar_feeds.create_feed(session, ana, console.now)
    writer.put("staff", ana, role="supervisor")
    assert tab.get("/staff/team").status_code in (302, 303)
    form = {"email": "ana@example.org", "password": "several good words", "code": console.code()}
    console.wait(seconds=30)
    answer = console.tab().post("/staff/sign-in", {**form, "code": console.code()})
    assert answer.status_code == 403
    with console.unit() as session:
        assert api_tokens.find_token_principal(session, token) is None
        assert calendar_feeds.read_feed_entries(session, feed, console.now) is None


@pytest.mark.parametrize(
    "values",
    [{"active": True}, {"active": True, "suspended_at": None}, {"active": True, "epoch": 0}],
    ids=",".join,
)
def test_somebody_switched_off_is_not_let_in_again_by_the_table(console, writer, values):
    """Was red on c916469."""
    ana, _tab = console.agent()
    with console.unit() as session:
        staff_status.deactivate_staff_member(session, session.get_one(Staff, ana), console.now)
    writer.put("staff", ana, **values)
    console.wait(seconds=30)
    form = {"email": "ana@example.org", "password": "several good words", "code": console.code()}
    assert console.tab().post("/staff/sign-in", form).status_code == 403


@pytest.mark.parametrize("whole", [False, True], ids=["column", "row"])
def test_a_session_that_ended_is_not_revived(console, writer, whole):
    """Was red on c916469. Of a row put back whole the epoch of its owner knows."""
    ana, tab = console.agent()
    before = writer.only("staff_session")
    with console.unit() as session:
        staff_status.deactivate_staff_member(session, session.get_one(Staff, ana), console.now)
        member = session.get_one(Staff, ana)
        member.active = True
    if whole:
        writer.put_back("staff_session", before)
    else:
        writer.put("staff_session", before["id"], ended_at=None)
    assert tab.get("/staff/day").status_code in (302, 303)


def test_a_customers_session_that_ended_is_not_revived(console, writer):
    """Was red on c916469."""
    from people.customers import customer_sessions

    gwen = console.customer()
    with console.unit() as session:
        token = customer_sessions.start_customer_session(session, gwen, console.now)
        customer_sessions.end_customer_session(session, token, console.now)
    row = writer.only("customer_session")
    writer.put("customer_session", row["id"], ended_at=None)
    with console.unit() as session:
        assert customer_sessions.find_session_customer(session, token, console.now) is None


def test_a_link_that_was_used_or_is_too_old_is_not_made_good(console, writer):
    """Was red on c916469."""
    from people.errors import LinkExpired

    ana = console.member("ana@example.org")
    with console.unit() as session:
        first = link_creation.create_enrolment_link(
            session, session.get_one(Staff, ana), console.now
        )
        link_creation.create_enrolment_link(session, session.get_one(Staff, ana), console.now)
    table = SQLModel.metadata.tables["enrolment_link"]
    with writer._engine.begin() as work:
        work.execute(update(table).values(used_at=None, tries=0))
    with console.unit() as session, pytest.raises(LinkExpired):
        staff_enrolment.open_enrolment_link(session, first, console.now)


def test_a_number_that_waits_after_a_change_waits_on(console, writer):
    """Was red on c916469."""
    from people.customers import customer_number
    from vault.audit import audit_log

    gwen = console.customer()
    with console.unit() as session:
        row = session.get_one(Customer, gwen)
        until = console.now + timedelta(hours=48)
        customer_number.change_customer_number(
            session, row, ACCOMPLICE, until, audit_log.SYSTEM, console.now
        )
    for moved in (None, console.now - timedelta(hours=1)):
        writer.put("customer", gwen, number_waits_until=moved)
        with console.unit() as session:
            assert customer_number.find_active_holder(session, ACCOMPLICE, console.now) is None


def test_counts_outside_the_database_last_as_long_as_a_code_can(console):
    assert 60 * console.context.policy.code_minutes <= external_counters.COUNTER_SECONDS
    counts = ExternalCounters("memory://")
    counts.add_to_counter("x", 3)
    assert (counts.read_counter("x"), counts.read_counter("y")) == (3, 0)
