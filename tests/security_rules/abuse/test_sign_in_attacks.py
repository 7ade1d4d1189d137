"""Attacks on the staff's sign-in: guessing, locking a colleague out, telling who has an account,
taking a session or a link over, and signing in while a part that protects it is
unavailable."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
import time_machine
from limits.errors import StorageError
from sqlalchemy import text
from sqlmodel import select

from channels.startup import database_upgrade
from people import credentials
from people.credential_models import ApiToken, EnrolmentLink, RecoveryCode, StaffSession
from people.credentials import token_hash
from people.customers import customer_sessions
from people.models import CustomerSession, Role, Staff
from people.staff import (
    api_tokens,
    link_creation,
    second_factor,
    session_lifecycle,
    staff_passwords,
    staff_records,
    staff_status,
)
from scheduling.calendars import calendar_feeds
from scheduling.models import CalendarFeed
from tests import databases, servers
from tests.channels.conftest import PASSWORD, START, Console, Tab, make_console
from tests.channels.console.test_account import add_passkey, enter
from tests.channels.enrolment_steps import approved, pin_on, set_anew
from tests.processes import at_once
from tests.security_rules.support import outages
from tests.security_rules.support.cost_counters import costly, statements
from vault.models import AuditEntry

ANA, BEN = "ana@example.org", "ben@example.org"
AN_HOUR = 20  # what the default lets strangers try at one account, from however many addresses
DEFAULT = {"sign_in_limit": "10/5 minutes;20/hour;50/day"}
CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


@pytest.fixture
def console(database, tmp_path) -> Iterator[Console]:
    """One where a test may try as often as it likes."""
    made = make_console(database, tmp_path)
    yield made
    made.context.engine.dispose()


@pytest.fixture
def strict(database, tmp_path) -> Iterator[Console]:
    """A console with the limits that it comes with."""
    made = make_console(database, tmp_path, **DEFAULT)
    yield made
    made.context.engine.dispose()


class Stranger:
    """A browser that has never signed anybody in, at some address of the internet."""

    def __init__(self, console: Console, address: str) -> None:
        self.client = console.app.test_client()
        self.where = {"REMOTE_ADDR": address}
        self.token = CSRF.search(self.client.get("/staff/sign-in").text)[1]

    def tries(self, email: str = ANA, password: str = "wrong wrong wrong", code: str = "1"):
        form = {"csrf_token": self.token, "email": email, "password": password, "code": code}
        return self.client.post("/staff/sign-in", data=form, environ_base=self.where)


def strangers(console: Console, count: int) -> list[Stranger]:
    return [Stranger(console, f"198.51.{n // 250}.{n % 250 + 1}") for n in range(count)]


def good(console: Console, tab: Tab, email: str = ANA, code: str = ""):
    console.wait(seconds=30)
    form = {"email": email, "password": PASSWORD, "code": code or console.code()}
    return tab.post("/staff/sign-in", form)


def signed_out(console: Console, email: str = ANA) -> Tab:
    """The browser that somebody signs in with every day, signed out for the night."""
    tab = console.sign_in(email)
    tab.post("/staff/sign-out")
    return tab


# Locking a colleague out.


@pytest.mark.parametrize(
    "count", [500, pytest.param(10_000, marks=[pytest.mark.campaign, pytest.mark.long])]
)
def test_so_many_wrong_tries_from_fifty_addresses_do_not_keep_ana_out(
    sqlite_template, tmp_path, count
):
    url = databases.sqlite_copy(sqlite_template, tmp_path)
    console = make_console(url, tmp_path, **DEFAULT)
    console.member(ANA)
    hers = signed_out(console)
    with time_machine.travel(START, tick=False):
        guessers, looked_at = strangers(console, 50), 0
        for n in range(count):
            looked_at += guessers[n % 50].tries().status_code == 403
            if n % (count // 4) == 0:
                assert good(console, hers).status_code == 303, n
                hers.post("/staff/sign-out")
        assert good(console, hers).status_code == 303
    assert looked_at == 10
    assert len(console.trail("staff.locked")) == 1
    console.context.engine.dispose()


def test_a_locked_account_lets_its_owner_in_by_passkey_and_by_recovery_code(strict):
    agent, tab = strict.agent()
    device, _ = add_passkey(tab)
    tab.post("/staff/account/read")
    with strict.unit() as session:
        spare = second_factor.issue_recovery_codes(session, agent)
    for stranger in strangers(strict, 30):
        stranger.tries()
    assert good(strict, strict.tab()).status_code == 429  # at a new browser, by the usual way
    assert enter(strict.tab(), device).status_code == 200
    assert good(strict, strict.tab(), code=spare[0]).status_code == 303
    assert good(strict, strict.tab(), code=spare[0]).status_code == 429


def test_nor_does_one_address_that_is_used_up_lock_out_all_who_share_it(strict):
    strict.member(ANA)
    strict.member(BEN)
    hers = signed_out(strict)
    one = Stranger(strict, "127.0.0.1")
    told = [one.tries(f"nobody{n}@example.org").status_code for n in range(12)]
    assert told == [403] * 10 + [429] * 2
    assert good(strict, strict.tab(), BEN).status_code == 303
    assert good(strict, hers).status_code == 303
    assert one.tries(BEN).status_code == 429


def test_good_sign_ins_use_nothing_up(strict):
    strict.member(ANA)
    for _ in range(25):
        assert good(strict, strict.tab()).status_code == 303


def test_a_known_browser_is_known_for_its_owner_alone_and_not_for_ever(strict):
    ana = strict.member(ANA)
    strict.member(BEN)
    hers = signed_out(strict)
    for stranger in strangers(strict, 30):
        stranger.tries(BEN)
        stranger.tries(ANA)
    assert good(strict, hers, BEN).status_code == 429
    cookie = hers.client.get_cookie("vouchline-browser").value
    for forged in (cookie[:-1], cookie[::-1], "x", "e30.AAAA", cookie.replace(".", "..")):
        other = strict.tab()
        other.client.set_cookie("vouchline-browser", forged)
        assert good(strict, other).status_code == 429
    with strict.unit() as session:
        session.get_one(Staff, ana).epoch += 1
    assert good(strict, hers).status_code == 429
    with strict.unit() as session:
        session.get_one(Staff, ana).epoch -= 1
    strict.wait(days=365)
    assert good(strict, hers).status_code == 429


def test_a_stolen_browser_cookie_gives_its_thief_tries_and_nothing_else(strict):
    strict.member(ANA)
    cookie = signed_out(strict).client.get_cookie("vouchline-browser").value
    told = []
    for stranger in strangers(strict, 30):
        stranger.client.set_cookie("vouchline-browser", cookie)
        told.append(stranger.tries().status_code)
    assert told == [403] * 10 + [429] * 20
    assert [item.detail for item in strict.trail("staff.locked")] == ["browser"]


# Guessing.


def test_a_guesser_gets_so_many_tries_an_hour_at_an_account_whatever_the_addresses(strict):
    strict.member(ANA)
    with time_machine.travel(START, tick=False) as clock:
        guessers, looked_at = strangers(strict, 30), 0
        for _ in range(12):
            looked_at += sum(guesser.tries().status_code == 403 for guesser in guessers)
            clock.shift(299)
        assert looked_at == AN_HOUR


def test_an_address_of_ipv6_is_what_one_customer_of_a_provider_has(strict):
    one = [Stranger(strict, f"2001:db8:1:2::{n:x}") for n in range(12)]
    told = [each.tries(f"n{n}@example.org").status_code for n, each in enumerate(one)]
    assert told == [403] * 10 + [429] * 2
    assert Stranger(strict, "2001:db8:1:3::1").tries().status_code == 403


def test_a_recovery_code_that_was_stolen_is_no_way_around_the_limits(strict):
    agent = strict.member(ANA)
    with strict.unit() as session:
        code = second_factor.issue_recovery_codes(session, agent)[0]
    told = [stranger.tries(code=code).status_code for stranger in strangers(strict, 60)]
    assert told == [403] * 20 + [429] * 40


@pytest.fixture(scope="module")
def redis():
    with ExitStack() as stack:
        try:
            yield stack.enter_context(servers.redis())
        except servers.Missing as missing:
            pytest.skip(str(missing))


@pytest.mark.both
def test_tries_of_many_processes_at_once_are_each_counted(database, tmp_path, redis):
    console = make_console(database, tmp_path, rate_storage=redis, **DEFAULT)
    console.context.limiter._storage.forget_all_counts()
    console.member(ANA)
    here = console.context.engine
    acts = [partial(_one_try, stranger) for stranger in strangers(console, 24)]
    told = at_once(acts, lambda: here.dispose(close=False))
    late = told.count(503)  # that waited too long for the one writer of SQLite
    assert told.count(429) == 14
    assert told.count(403) == 10 - late
    assert Stranger(console, "203.0.113.99").tries().status_code == 429
    here.dispose()


def _one_try(guesser: Stranger) -> int:
    return guesser.tries().status_code


# Fail closed.


def test_without_the_limits_no_password_is_looked_at_and_a_passkey_needs_none(strict, monkeypatch):
    _, tab = strict.agent()
    device, _ = add_passkey(tab)
    tab.post("/staff/account/read")
    hers = signed_out(strict)

    def gone(*_: object) -> bool:
        raise StorageError(OSError("gone"))

    monkeypatch.setattr(strict.context.limiter._strategy, "hit", gone)
    for tried in (hers, strict.tab()):
        assert good(strict, tried).status_code == 503
    assert strict.trail("staff.sign_in_failed") == []
    assert enter(strict.tab(), device).status_code == 200


def test_without_the_audit_log_nobody_signs_in_and_all_are_told_the_same(strict, database):
    _, tab = strict.agent()
    device, _ = add_passkey(tab)
    hers = signed_out(strict)
    outages.refuse_audit(databases.opened(database))
    assert good(strict, hers).status_code == 503
    assert enter(strict.tab(), device).status_code == 503
    assert Stranger(strict, "192.0.2.1").tries("nobody@example.org").status_code == 503
    assert Stranger(strict, "192.0.2.2").tries(ANA).status_code == 503


# Telling who has an account.


@pytest.fixture
def accounts(strict) -> dict[str, str]:
    off = strict.member("off@example.org")
    strict.member(ANA)
    with strict.unit() as session:
        staff_status.deactivate_staff_member(session, session.get_one(Staff, off), strict.now)
        staff_records.add_staff_member(
            session, "new@example.org", "New", "agent", strict.now, timezone="Europe/London"
        )
    Stranger(strict, "192.0.2.200").tries("warm@example.org", code="abcdefghjkmn")
    kinds = {"nobody": "nobody@example.org", "in use": ANA}
    return {**kinds, "off": "off@example.org", "not enrolled": "new@example.org"}


@pytest.mark.parametrize("password", ["wrong wrong wrong", PASSWORD])
@pytest.mark.parametrize("code", ["000000", "abcd-efgh-jkmn", ""])
def test_neither_the_answer_nor_the_work_tells_whether_there_is_an_account(
    strict, accounts, monkeypatch, password, code
):
    answers, works = {}, {}
    for n, (kind, email) in enumerate(accounts.items()):
        guesser = Stranger(strict, f"192.0.2.{n + 1}")
        with monkeypatch.context() as counting, statements(strict.context.engine) as asked:
            done = costly(counting)
            answer = guesser.tries(email, password, code)
        assert answer.status_code == 403
        text = answer.text.replace(email, "EMAIL").replace(guesser.token, "T")
        answers[kind] = CSRF.sub("T", text)
        sizes = sorted((name.replace("seal", "open"), min(size, 60)) for name, size in done)
        works[kind] = (asked, [name for name, size in sizes if name != "mac"])
    assert len(set(answers.values())) == 1
    first, *others = works.values()
    assert others == [first] * 3


def test_a_password_is_hashed_for_all_of_them_once(strict, accounts, monkeypatch):
    hashed = []
    real = credentials.PasswordHasher.verify

    def verify(self, stored, password):
        hashed.append(len(stored))
        return real(self, stored, password)

    monkeypatch.setattr(credentials.PasswordHasher, "verify", verify)
    for n, email in enumerate(accounts.values()):
        Stranger(strict, f"192.0.2.{n + 1}").tries(email)
    assert len(hashed) == 4
    assert len(set(hashed)) == 1


def test_a_lock_tells_no_more_than_a_failure(strict, accounts):
    told = {}
    for kind, email in accounts.items():
        for stranger in strangers(strict, 12):
            stranger.where["REMOTE_ADDR"] += f"{len(told)}" if told else ""
            answer = stranger.tries(email)
        text = CSRF.sub("T", answer.text.replace(email, "EMAIL"))
        told[kind] = (answer.status_code, re.sub(r"in \d+ seconds", "", text))
    assert {status for status, _ in told.values()} == {429}
    assert len(set(told.values())) == 1


def test_what_to_do_without_a_password_is_the_same_for_all_and_sends_nothing(strict):
    strict.member(ANA)
    page = strict.tab().get("/staff/sign-in/lost")
    assert page.status_code == 200
    assert "Nothing is sent" in page.text
    assert "<input" not in page.text
    assert strict.tab().get(f"/staff/sign-in/lost?email={ANA}").text == page.text


# Logs and addresses.


def test_no_address_or_password_that_was_typed_is_in_the_log_or_the_audit_log(
    strict, capfd, caplog
):
    agent, tab = strict.agent()
    tokens = [tab.client.get_cookie(name).value for name in ("vouchline", "vouchline-browser")]
    with caplog.at_level(logging.DEBUG):
        Stranger(strict, "192.0.2.1").tries("mallory@example.org", "hunter2hunter2")
        Stranger(strict, "192.0.2.1").tries(ANA, "hunter2hunter2")
    out = capfd.readouterr()
    said = out.out + out.err + caplog.text
    with strict.unit() as session:
        rows = session.exec(select(AuditEntry)).all()
        said += json.dumps([[r.action, r.purpose, r.detail] for r in rows])
    for secret in ("mallory", "hunter2", ANA, *tokens):
        assert secret not in said
    failed = strict.trail("staff.sign_in_failed")
    assert [(item.staff_id, item.detail) for item in failed] == [
        (None, "unknown"),
        (agent, "password"),
    ]


def test_a_session_is_new_after_a_sign_in_and_its_cookies_are_closed(database, tmp_path):
    console = make_console(database, tmp_path, public_url="https://check.example.org")
    console.member(ANA)
    client, base = console.app.test_client(), "https://check.example.org"
    page = client.get("/staff/sign-in", base_url=base)
    planted = page.headers["Set-Cookie"]
    form = {"email": ANA, "password": PASSWORD, "code": console.code()}
    form["csrf_token"] = CSRF.search(page.text)[1]
    answer = client.post("/staff/sign-in", data=form, base_url=base)
    assert answer.status_code == 303
    cookies = answer.headers.getlist("Set-Cookie")
    assert [cooky.partition("=")[0] for cooky in cookies] == [
        "__Host-vouchline",
        "__Host-vouchline-browser",
    ]
    for cooky in cookies:
        assert {"Secure", "HttpOnly", "Path=/"} <= set(cooky.split("; "))
        assert "SameSite=" in cooky
        assert "Domain" not in cooky
        value = cooky.partition("=")[2].partition(";")[0]
        assert value not in planted
        assert value not in answer.location
    other = console.app.test_client()
    other.set_cookie("__Host-vouchline", planted.partition("=")[2].partition(";")[0])
    assert other.get("/staff/day", base_url=base).status_code == 303
    console.context.engine.dispose()


# Links and resets.


def new_link(tab: Tab, staff_id) -> str:
    page = tab.post(f"/staff/colleagues/{staff_id}/link").text
    return re.search(r'value="[^"]*(/staff/enrol/[^"]+)"', page)[1]


def spare_codes(console: Console, staff_id) -> list[str]:
    with console.unit() as session:
        return second_factor.issue_recovery_codes(session, staff_id)


def use(console: Console, link: str, piece: str, recovery: str = ""):
    return set_anew(console, console.tab(), link, piece, recovery=recovery)


def approver(console: Console) -> Tab:
    console.member("kim@example.org", Role.SUPERVISOR)
    return console.sign_in("kim@example.org")


def approved_pin(tab: Tab) -> str:
    """Approve what waits; the PIN to hand over."""
    return pin_on(approved(tab).text)


def test_a_supervisor_makes_a_link_for_an_agent_and_cannot_use_it(console):
    ana, hers = console.agent()
    spare = spare_codes(console, ana)
    console.member("sam@example.org", Role.SUPERVISOR)
    link = new_link(console.sign_in("sam@example.org"), ana)
    assert use(console, link, "", spare[0]).status_code == 410
    pin = approved_pin(approver(console))
    for given in (("", ""), ("", spare[0]), (pin, ""), (pin, "abcd-efgh-jkmn")):
        answer = use(console, link, *given)
        assert "secret" not in answer.text
        assert "Ana" not in answer.text
    assert hers.get("/staff/day").status_code == 200
    done = use(console, link, pin, spare[0])
    assert done.status_code == 200
    assert "recovery codes" in done.text


def test_what_somebody_has_ends_when_the_link_is_used_and_not_when_it_is_made(console):
    ana, hers = console.agent()
    device, _ = add_passkey(hers)
    hers.post("/staff/account/read")
    spare = spare_codes(console, ana)
    console.member("sam@example.org", Role.SUPERVISOR)
    sam = console.sign_in("sam@example.org")
    link = new_link(sam, ana)
    pin = approved_pin(approver(console))
    assert hers.get("/staff/day").status_code == 200
    assert "A colleague asked for a link" in hers.get("/staff/account").text
    assert enter(console.tab(), device).json == {"next": "/staff/account"}
    assert good(console, console.tab()).location == "/staff/account"
    assert use(console, link, pin, spare[0]).status_code == 200
    assert hers.get("/staff/day").status_code == 303
    assert enter(console.tab(), device).status_code == 403
    assert good(console, console.tab()).status_code == 403
    assert use(console, link, pin, spare[1]).status_code == 410
    made, used = (console.trail(f"staff.reset_{item}")[0] for item in ("made", "used"))
    assert made.detail == str(ana)
    assert (used.staff_id, used.detail) == (ana, "colleague")


@pytest.mark.parametrize(
    ("maker", "owner", "status"),
    [
        (Role.SUPERVISOR, Role.AGENT, 200),
        (Role.SUPERVISOR, Role.SUPERVISOR, 200),
        (Role.SUPERVISOR, Role.INVESTIGATOR, 404),
        (Role.INVESTIGATOR, Role.INVESTIGATOR, 200),
        (Role.INVESTIGATOR, Role.AGENT, 404),
        (Role.INVESTIGATOR, Role.SUPERVISOR, 404),
        (Role.AGENT, Role.AGENT, 403),
    ],
)
def test_who_makes_whose_link(console, maker, owner, status):
    theirs = console.member(ANA, owner)
    spare_codes(console, theirs)
    console.member(BEN, maker)
    tab = console.sign_in(BEN)
    assert tab.post(f"/staff/colleagues/{theirs}/link").status_code == status
    shown = "Ana" in tab.get("/staff/colleagues").text
    assert shown == (status == 200)


def test_nobody_makes_their_own_or_one_for_who_is_off_or_has_no_code_left(console):
    mine = console.member(BEN, Role.SUPERVISOR)
    spare_codes(console, mine)
    off, bare = console.member(ANA), console.member("cy@example.org")
    tab = console.sign_in(BEN)
    with console.unit() as session:
        staff_status.deactivate_staff_member(session, session.get_one(Staff, off), console.now)
    tried = {item: tab.post(f"/staff/colleagues/{item}/link") for item in (mine, off, bare)}
    assert [value.status_code for value in tried.values()] == [403, 404, 422]
    assert "no recovery code left" in tried[bare].text
    assert console.trail("staff.reset_made") == []
    with console.unit() as session:
        assert session.exec(select(EnrolmentLink)).all() == []


def test_a_link_is_made_only_by_who_has_just_proven_who_they_are(console):
    ana = console.member(ANA)
    spare_codes(console, ana)
    console.member("sam@example.org", Role.SUPERVISOR)
    tab = console.sign_in("sam@example.org")
    console.wait(minutes=6)
    answer = tab.post(f"/staff/colleagues/{ana}/link")
    assert answer.location.startswith("/staff/account/proof")
    assert console.trail("staff.reset_made") == []


def pinned(console: Console, pin: str = "204060") -> str:
    with console.unit() as session:
        made = staff_records.add_staff_member(
            session, "eve@example.org", "Eve Ng", "agent", console.now, timezone="Europe/London"
        )
        token = link_creation.create_enrolment_link(session, made, console.now, pin=pin)
        return f"/staff/enrol/{token}"


def test_a_link_with_a_pin_shows_nothing_without_it_and_works_with_it(console):
    link = pinned(console)
    page = console.tab().get(link)
    assert page.status_code == 200
    assert "Eve" not in page.text
    assert "secret" not in page.text
    assert use(console, link, "20 40 60").status_code == 200
    assert use(console, link, "204060").status_code == 410


@pytest.mark.both
def test_five_wrong_pins_spend_the_link_however_many_at_once(console):
    link = pinned(console)
    here = console.context.engine
    acts = [partial(_a_pin, console, link, f"{n:06d}") for n in range(12)]
    told = at_once(acts, lambda: here.dispose(close=False))
    assert sorted(told) == [410] * 7 + [422] * 5
    assert use(console, link, "204060").status_code == 410
    assert len(console.trail("staff.enrol_failed")) == 5


def _a_pin(console: Console, link: str, pin: str) -> int:
    return console.tab().post(link, {"piece": pin}).status_code


def test_looking_at_a_link_spends_nothing_and_says_little(console):
    with console.unit() as session:
        made = staff_records.add_staff_member(
            session, "eve@example.org", "Eve Ng", "agent", console.now, timezone="Europe/London"
        )
        link = f"/staff/enrol/{link_creation.create_enrolment_link(session, made, console.now)}"
    for _ in range(10):
        page = console.tab().get(link).text
        assert console.tab().client.head(link).status_code == 200
    assert "eve@example.org" not in page.replace("eve%40", "eve@").split("<svg")[0]
    assert "Ng" not in page.split("<svg")[0]
    assert use(console, link, "").status_code == 200


def test_an_own_link_for_another_phone_leaves_passkeys_and_tokens(console):
    _, tab = console.agent()
    device, _ = add_passkey(tab)
    link = tab.post("/staff/account/authenticator").location
    assert set_anew(console, tab, link).status_code == 200
    assert tab.get("/staff/day").status_code == 303
    assert enter(console.tab(), device).status_code == 200


def test_an_own_link_is_good_for_half_an_hour(console):
    _, tab = console.agent()
    link = tab.post("/staff/account/authenticator").location
    console.wait(minutes=29)
    assert tab.get(link).status_code == 200
    console.wait(minutes=1)
    assert tab.get(link).status_code == 410


# An attacker who can write to the database but has no key.

OWN = "an old rusty bicycle"


@pytest.fixture
def two(console) -> tuple[Console, UUID, UUID]:
    """Ana, and Mallory, who works here too and can write to the database."""
    return console, console.member(ANA), console.member("mallory@example.org")


def row_of(session, kind, staff_id):
    return session.exec(select(kind).where(kind.staff_id == staff_id)).one()


def test_a_password_that_is_planted_or_pasted_opens_nothing(two):
    console, ana, mallory = two
    with console.unit() as session:
        member = session.get_one(Staff, mallory)
        staff_passwords.replace_password(session, member, OWN, console.now)
        own = member.password_hash
    for planted in (credentials.hash_password(OWN).encode(), own, b"", b"x"):
        with console.unit() as session:
            session.get_one(Staff, ana).password_hash = planted
        form = {"email": ANA, "password": OWN, "code": console.code()}
        assert console.tab().post("/staff/sign-in", form).status_code == 403
        console.wait(seconds=30)
    form = {"email": "mallory@example.org", "password": OWN, "code": console.code()}
    assert console.tab().post("/staff/sign-in", form).status_code == 303


def test_a_recovery_code_that_is_planted_or_pasted_opens_nothing(two):
    console, ana, mallory = two
    with console.unit() as session:
        own = second_factor.issue_recovery_codes(session, mallory)
        first, second, *_ = session.exec(select(RecoveryCode)).all()
        first.staff_id = ana
        session.add(RecoveryCode(staff_id=ana, code_hash=second.code_hash, bound=second.bound))
        session.add(RecoveryCode(staff_id=ana, code_hash=second.code_hash))
    for code in own[:2]:
        assert good(console, console.tab(), code=code).status_code == 403
    assert good(console, console.tab(), "mallory@example.org", own[2]).status_code == 303


def test_a_link_that_is_planted_or_pasted_opens_nothing(two):
    console, ana, mallory = two
    with console.unit() as session:
        link_creation.create_enrolment_link(
            session, session.get_one(Staff, ana), console.now, pin="204060"
        )
        own = link_creation.create_enrolment_link(
            session, session.get_one(Staff, mallory), console.now
        )
    changes = (
        (mallory, {"staff_id": ana}),  # their own link, made Ana's
        (mallory, {"expires_at": console.now + timedelta(days=30)}),
        (ana, {"token_hash": token_hash(own)}),  # Ana's, to be opened by their token
        (ana, {"token_hash": token_hash(own), "pin": None}),
    )
    for owner, change in changes:
        with console.unit() as session:
            mine = row_of(session, EnrolmentLink, mallory)
            link = mine if owner == mallory else row_of(session, EnrolmentLink, ana)
            kept = {name: getattr(link, name) for name in (*change, "bound")}
            if owner == ana:
                mine.token_hash = b"elsewhere"
                session.flush()
            for name, value in change.items():
                setattr(link, name, value)
        assert use(console, f"/staff/enrol/{own}", "").status_code == 410, change
        with console.unit() as session:
            link = session.get_one(EnrolmentLink, link.id)
            for name, value in kept.items():
                setattr(link, name, value)
            session.flush()
            row_of(session, EnrolmentLink, mallory).token_hash = token_hash(own)
    assert use(console, f"/staff/enrol/{own}", "").status_code == 200


@pytest.mark.parametrize("pasted", [False, True])
def test_a_session_or_token_that_is_planted_or_pasted_opens_nothing(two, pasted):
    console, ana, mallory = two
    with console.unit() as session:
        token = session_lifecycle.open_staff_session(
            session, session.get_one(Staff, mallory), console.now
        )
        bearer = api_tokens.create_api_token(
            session, session.get_one(Staff, mallory), "x", console.now
        )
        feed = calendar_feeds.create_feed(session, mallory, console.now)
        assert session_lifecycle.find_session_principal(session, token, console.now).id == mallory
        assert api_tokens.find_token_principal(session, bearer).id == mallory
        assert calendar_feeds.read_feed_entries(session, feed, console.now) is not None
        forged = token.replace(mallory.hex, ana.hex)
        for kind in (StaffSession, ApiToken, CalendarFeed):
            row = row_of(session, kind, mallory)
            row.staff_id = ana
            if kind is StaffSession:
                row.token_hash = token_hash(forged)
            if not pasted:
                row.bound = None
        session.flush()
        assert session_lifecycle.find_session_principal(session, forged, console.now) is None
        assert api_tokens.find_token_principal(session, bearer) is None
        assert calendar_feeds.read_feed_entries(session, feed, console.now) is None


def test_a_customers_session_that_is_planted_or_pasted_shows_nothing(console):
    gwen, other = console.customer(), console.customer("+447400123457", "Huw Price")
    with console.unit() as session:
        token = customer_sessions.start_customer_session(session, other, console.now)
        assert customer_sessions.find_session_customer(session, token, console.now) == other
        row = session.exec(select(CustomerSession)).one()
        row.customer_id = gwen
        session.flush()
        assert customer_sessions.find_session_customer(session, token, console.now) is None
        row.bound = None
        session.flush()
        assert customer_sessions.find_session_customer(session, token, console.now) is None


def test_what_was_kept_before_is_bound_once_and_what_is_planted_later_is_not(two):
    console, ana, _ = two
    here = console.context
    with console.unit() as session:
        spare = second_factor.issue_recovery_codes(session, ana)[0]
        bearer = api_tokens.create_api_token(session, session.get_one(Staff, ana), "x", console.now)
    database_upgrade.downgrade_with_keys(here.engine, here.master, "0023")
    with console.context.engine.begin() as work:
        work.execute(text("UPDATE staff SET password_hash = :h"), {"h": _earlier().decode()})
    database_upgrade.upgrade_with_keys(here.engine, here.master, console.now)
    outages.with_ring_of(console.app, here.master)
    assert good(console, console.tab()).status_code == 303
    assert good(console, console.tab(), code=spare).status_code == 303
    with console.unit() as session:
        assert api_tokens.find_token_principal(session, bearer).id == ana
        session.get_one(Staff, ana).password_hash = _earlier()
    database_upgrade.upgrade_with_keys(here.engine, here.master, console.now)
    assert good(console, console.tab()).status_code == 403


def _earlier() -> bytes:
    return credentials.hash_password(PASSWORD).encode()
