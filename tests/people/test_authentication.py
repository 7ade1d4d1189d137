"""Signing in: all three must fit, a code opens one session, sessions end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

import pyotp
import pytest
from sqlmodel import select

from people import credentials, password_seal
from people.errors import SignInFailed
from people.staff import authentication, second_factor, session_lifecycle, staff_sessions
from tests.factories import an_agent
from tests.processes import at_once
from vault.keys import keyring
from vault.models import AuditEntry

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
EMAIL, PASSWORD = "ana@example.org", "several good words"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@lru_cache(maxsize=1)
def hashed() -> str:
    return credentials.hash_password(PASSWORD)


@pytest.fixture
def member(store):
    """Somebody who can sign in, and their recovery codes."""
    with store.unit() as session:
        made = an_agent(session, NOW, email=EMAIL)
        made.password_hash = password_seal.seal_password(session, made.id, hashed())
        place = f"staff.totp_secret:{made.id}"
        made.totp_secret = keyring.current_keyring(session).seal_for_purpose(
            keyring.STAFF, place, SECRET
        )
        session.add(made)
        return made


def code(at: datetime = NOW) -> str:
    return pyotp.TOTP(SECRET).at(at)


def enter(store, email=EMAIL, password=PASSWORD, with_code=None, now=NOW) -> str:
    """Sign in as the edge does: no password is hashed while others wait, and what a failed try has
    spent stays spent."""
    with store.unit(read_only=True) as session:
        seen = authentication.find_account_by_email(session, email)
    right, given = authentication.check_password(store.ring, seen, password), with_code or code(now)
    with store.unit() as session:
        try:
            who = authentication.check_second_factor(session, seen, right, given, now)
        except SignInFailed as error:
            assert str(error) == ""
            return ""
        return session_lifecycle.open_staff_session(session, who, now)


def test_all_three_together_let_in(store, member):
    token = enter(store, " ANA@example.org ")
    with store.unit() as session:
        who = session_lifecycle.find_session_principal(session, token, NOW)
    assert (who.id, who.role) == (member.id, "agent")


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": "eve@example.org"},
        {"email": "no address"},
        {"email": ""},
        {"password": "several good wordz"},
        {"password": ""},
        {"password": PASSWORD + " "},
        {"password": "x" * 100_000},
        {"with_code": "000000"},
        {"with_code": "nothing"},
        {"with_code": "\x00"},
    ],
)
def test_one_that_does_not_fit_keeps_out_without_a_reason(store, member, wrong):
    assert enter(store, **wrong) == ""


def test_a_code_opens_one_session(store, member):
    assert enter(store) != ""
    assert enter(store) == ""
    later = NOW + timedelta(seconds=30)
    assert enter(store, now=later) != ""


@pytest.mark.both
def test_one_code_used_by_many_at_once_opens_one_session(store, member):
    act = [lambda: enter(store) != ""] * 8
    assert sum(at_once(act, lambda: store.engine.dispose(close=False))) == 1


def test_a_recovery_code_stands_in_once(store, member):
    with store.unit() as session:
        spare = second_factor.issue_recovery_codes(session, member.id)
    assert enter(store, with_code=spare[0]) != ""
    assert enter(store, with_code=spare[0]) == ""


def test_a_wrong_second_factor_is_written_down(store, member):
    enter(store, with_code="000000")
    assert "staff.sign_in_failed" in [row.action for row in store.all(select(AuditEntry))]


def test_nobody_gets_in_before_enrolment_or_after_being_switched_off(store, member):
    with store.unit() as session:
        an_agent(session, NOW, email="new@example.org")
        session.merge(member).active = False
    assert enter(store) == ""
    assert enter(store, "new@example.org") == ""


def test_a_session_ends_when_idle_when_old_and_when_signed_out(store, member):
    token = enter(store)
    idle, lives = staff_sessions.SESSION_IDLE_LIMIT, staff_sessions.SESSION_LIFETIME
    second = timedelta(seconds=1)
    with store.unit() as session:
        assert session_lifecycle.find_session_principal(session, token, NOW + idle - second)
        assert session_lifecycle.find_session_principal(session, token, NOW + idle) is None
        kept = session_lifecycle.find_session_principal(session, token, NOW).session_id
        for minutes in range(0, int(lives.total_seconds()) // 60, 50):
            session_lifecycle.touch_staff_session(session, kept, NOW + timedelta(minutes=minutes))
        assert session_lifecycle.find_session_principal(session, token, NOW + lives - second)
        assert session_lifecycle.find_session_principal(session, token, NOW + lives) is None
        session_lifecycle.close_staff_session(session, token, NOW)
        assert session_lifecycle.find_session_principal(session, token, NOW) is None
        for none in ("", "x", token + "x"):
            assert session_lifecycle.find_session_principal(session, none, NOW) is None
