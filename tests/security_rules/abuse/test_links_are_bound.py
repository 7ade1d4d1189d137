"""A link that a signed-in person gets works for them alone. Addresses, which proxies log, contain
no secret where the journey allows that."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from sqlmodel import select

from people.credential_models import EnrolmentLink
from people.credentials import new_token, token_hash
from people.errors import LinkExpired
from people.models import Role, Staff
from people.staff import enrolment_links, link_creation, staff_enrolment, staff_records
from people.staff.enrolment_links import LinkKind, LinkTerms, SecondStepInput
from tests.channels.conftest import Console, make_console
from tests.channels.enrolment_steps import NEW_PASSWORD, secret_on, set_anew

NEW = "/staff/account/authenticator/new"


@pytest.fixture
def console(database: str, tmp_path: Path) -> Iterator[Console]:
    """A console on a fresh store."""
    made = make_console(database, tmp_path)
    yield made
    made.context.engine.dispose()


def test_ones_own_link_for_another_authenticator_works_in_no_other_browser(console):
    """Neither a stranger's, nor a colleague's, nor another of one's own.
    Was red on c916469."""
    _, tab = console.agent()
    second = console.sign_in("ana@example.org")
    _, ben = console.agent("ben@example.org")
    tab.post("/staff/account/read")
    link = tab.post("/staff/account/authenticator").location
    secret = secret_on(tab.get(link).text)
    assert secret
    for other in (console.tab(), second, ben):
        assert secret_on(other.get(link).text) == ""
        code = pyotp.TOTP(secret).at(console.now)
        answer = other.post(link, {"password": NEW_PASSWORD, "code": code})
        assert answer.status_code in (303, 410)
        assert "recovery codes" not in answer.text
    assert tab.get("/staff/day").status_code == 200
    assert "Your recovery codes" in set_anew(console, tab, link).text


def test_no_token_is_in_the_address_of_ones_own_link(console):
    """Was red on c916469."""
    _, tab = console.agent()
    assert tab.post("/staff/account/authenticator").location == NEW


def test_ones_own_link_ends_with_the_session_that_asked_for_it(console):
    """Signed out and in again, it has to be asked for again. Was red on c916469."""
    _, tab = console.agent()
    tab.post("/staff/account/authenticator")
    tab.post("/staff/sign-out")
    assert tab.get(NEW).status_code == 303
    console.sign_in("ana@example.org", tab)
    assert tab.get(NEW).status_code == 410


@pytest.mark.parametrize("pasted", ["session", "none", "kind"])
def test_who_writes_to_the_database_moves_it_to_no_other_browser(console, pasted):
    ana, tab = console.agent()
    other = console.sign_in("ana@example.org")
    tab.post("/staff/account/authenticator")
    with console.unit() as session:
        first = session.exec(select(EnrolmentLink)).one()
        if pasted == "none":
            first.pin = None
        elif pasted == "kind":
            first.kind = LinkKind.OPERATOR
        else:
            second = link_creation.create_enrolment_link(
                session, session.get_one(Staff, ana), console.now, pin="1"
            )
            found = session.exec(
                select(EnrolmentLink).where(EnrolmentLink.token_hash == token_hash(second))
            ).one()
            first.pin, first.used_at = found.pin, None
            found.used_at = console.now
    assert other.get(NEW).status_code == 410
    assert tab.get(NEW).status_code == 410


def test_a_link_of_ones_own_that_names_no_browser_is_good_in_none(store):
    from tests import factories
    from tests.channels.conftest import START

    with store.unit() as session:
        member, token = factories.an_agent(session, START), new_token()
        link_creation.activate_enrolment_link(
            session, member, token_hash(token), START, kind=LinkKind.SELF
        )
        for pieces in (SecondStepInput(), SecondStepInput(session_id=member.id)):
            with pytest.raises(LinkExpired):
                staff_enrolment.open_enrolment_link(session, token, START, pieces=pieces)
        again = new_token()
        terms = LinkTerms(session_id=member.id.hex)
        link_creation.activate_enrolment_link(
            session, member, token_hash(again), START, kind=LinkKind.SELF, terms=terms
        )
        with pytest.raises(LinkExpired):
            staff_enrolment.open_enrolment_link(session, again, START)
        found = staff_enrolment.open_enrolment_link(
            session, again, START, pieces=SecondStepInput(session_id=member.id)
        )
        assert enrolment_links.open_link_terms(session, found[0]) == terms


def test_a_new_role_is_taken_up_by_nobody_elses_session(console):
    for name, role in (("sue", "supervisor"), ("sam", "supervisor"), ("ivy", "investigator")):
        console.member(f"{name}@example.org", Role(role))
    _, ana = console.agent()
    for item in (console.tab(), console.sign_in("sue@example.org"), ana):
        assert item.get("/staff/account/role").status_code in (303, 410)


def test_an_address_that_holds_a_token_sends_it_nowhere_and_is_kept_nowhere(console, caplog):
    """No page sends a referrer, names another host, or is kept by a browser; our log has no token,
    whether the link works or not."""
    with console.unit() as session:
        made = staff_records.add_staff_member(
            session, "eve@example.org", "Eve Ng", "agent", console.now, timezone="Europe/London"
        )
        token = link_creation.create_enrolment_link(session, made, console.now, pin="204060")
    path = f"/staff/enrol/{token}"
    with caplog.at_level(logging.DEBUG):
        for item in (path, path + "x"):
            answer = console.tab().get(item)
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert answer.headers["Cache-Control"] == "no-store"
            assert token not in answer.text
            assert not re.search(r'(?:src|href|action)="(?:https?:)?//', answer.text)
    said = json.dumps([record.getMessage() for record in caplog.records])
    assert token not in said


def test_a_calendar_address_shows_no_customer_and_ends_when_its_owner_wants(console: Console):
    """A calendar program can only ask an address: that shows times and references, no more."""
    ana, tab = console.agent()
    console.callback(ana)
    page = tab.post("/staff/calendar", {"make": "1"}).text
    path = re.search(r"/calendar/[\w-]+\.ics", page)[0]
    shown = console.tab().get(path).text
    assert "BEGIN:VEVENT" in shown
    for secret in ("Gwen", "router", "T-1001", "400123456"):
        assert secret not in shown
    tab.post("/staff/calendar", {"end": "1"})
    assert console.tab().get(path).status_code == 404
