"""Sessions: whose, where, and ended with the role, the person, or by their owner."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from people.credential_models import StaffSession
from people.errors import NotFound, ReauthenticationRequired
from people.models import Staff
from people.staff import api_tokens, session_lifecycle, staff_sessions, staff_status
from scheduling.calendars import calendar_feeds
from tests.factories import an_agent
from vault.models import AuditEntry

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)


@pytest.fixture
def member(store) -> Staff:
    with store.unit() as session:
        return an_agent(session, NOW)


def opened(store, member, **more) -> str:
    with store.unit() as session:
        return session_lifecycle.open_staff_session(
            session, session.get_one(Staff, member.id), NOW, **more
        )


def good(store, token: str) -> bool:
    with store.unit() as session:
        return session_lifecycle.find_session_principal(session, token, NOW) is not None


def test_ones_own_sessions_are_listed_with_a_coarse_word_and_nobody_elses(store, member):
    with store.unit() as session:
        other = an_agent(session, NOW)
    opened(store, member, browser="Firefox, Linux")
    opened(store, member, how="passkey")
    opened(store, other, browser="Safari, Mac")
    with store.unit() as session:
        found = staff_sessions.list_staff_sessions(session, member.id, NOW)
        assert [(item.words, item.how) for item in found] == [
            ("", "passkey"),
            ("Firefox, Linux", "password"),
        ]
        assert (
            staff_sessions.list_staff_sessions(
                session, member.id, NOW + staff_sessions.SESSION_IDLE_LIMIT
            )
            == []
        )
    kept = b"".join(row.browser or b"" for row in store.all(select(StaffSession)))
    assert b"Firefox" not in kept


def test_one_of_ones_own_can_be_ended_and_no_other(store, member):
    with store.unit() as session:
        other = an_agent(session, NOW)
    mine, theirs = opened(store, member), opened(store, other)
    rows = {row.staff_id: row.id for row in store.all(select(StaffSession))}
    with store.unit() as session:
        with pytest.raises(NotFound):
            staff_sessions.end_staff_session(session, member.id, rows[other.id], NOW)
        staff_sessions.end_staff_session(session, member.id, rows[member.id], NOW)
        with pytest.raises(NotFound):
            staff_sessions.end_staff_session(session, member.id, rows[member.id], NOW)
    assert (good(store, mine), good(store, theirs)) == (False, True)


def everything(store, member) -> tuple[str, str, str]:
    with store.unit() as session:
        row = session.get_one(Staff, member.id)
        return (
            session_lifecycle.open_staff_session(session, row, NOW),
            api_tokens.create_api_token(session, row, "", NOW),
            calendar_feeds.create_feed(session, row.id, NOW),
        )


def alive(store, given: tuple[str, str, str]) -> list[bool]:
    token, bearer, feed = given
    with store.unit() as session:
        return [
            session_lifecycle.find_session_principal(session, token, NOW) is not None,
            api_tokens.find_token_principal(session, bearer) is not None,
            calendar_feeds.read_feed_entries(session, feed, NOW) is not None,
        ]


def test_all_that_somebody_was_given_ends_at_once_and_what_comes_after_is_good(store, member):
    with store.unit() as session:
        other = an_agent(session, NOW)
    before, theirs = everything(store, member), everything(store, other)
    assert alive(store, before) == [True] * 3
    with store.unit() as session:
        staff_sessions.revoke_staff_access(session, member.id, NOW, "role")
    assert alive(store, before) == [False] * 3
    assert alive(store, theirs) == [True] * 3
    assert alive(store, everything(store, member)) == [True] * 3
    ended = [e for e in store.all(select(AuditEntry)) if e.action == "staff.sessions_ended"]
    assert [item.detail for item in ended] == [f"{member.id} role"]


@pytest.mark.parametrize("change", [{"role": "supervisor"}, {"role": "investigator"}])
def test_what_was_given_for_a_role_ends_with_it_no_matter_who_changes_it(store, member, change):
    before = everything(store, member)
    with store.unit() as session:
        session.get_one(Staff, member.id).role = change["role"]
    assert alive(store, before) == [False] * 3


def test_switched_off_ends_it_too_and_for_good(store, member):
    before = everything(store, member)
    with store.unit() as session:
        staff_status.deactivate_staff_member(session, session.get_one(Staff, member.id), NOW)
    with store.unit() as session:
        session.get_one(Staff, member.id).active = True
    assert alive(store, before) == [False] * 3


def test_a_row_that_is_given_another_owner_opens_for_nobody(store, member):
    """An administrator of the database who is on the staff: their own browser, Ana's id."""
    with store.unit() as session:
        ana = an_agent(session, NOW)
    token = opened(store, member)
    with store.unit() as session:
        session.exec(select(StaffSession)).one().staff_id = ana.id
    assert not good(store, token)


def test_a_proof_lasts_five_minutes(store, member):
    opened(store, member)
    with store.unit() as session:
        row = session.exec(select(StaffSession)).one()
        second = timedelta(seconds=1)
        staff_sessions.require_fresh_proof(
            session, row.id, NOW + staff_sessions.PROOF_LIFETIME - second
        )
        for when in (NOW + staff_sessions.PROOF_LIFETIME, NOW - second):
            with pytest.raises(ReauthenticationRequired):
                staff_sessions.require_fresh_proof(session, row.id, when)
        later = NOW + timedelta(minutes=30)
        staff_sessions.record_fresh_proof(session, row.id, later)
        staff_sessions.require_fresh_proof(session, row.id, later)
        with pytest.raises(ReauthenticationRequired):
            staff_sessions.require_fresh_proof(session, None, later)
