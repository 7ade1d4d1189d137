"""Staff: added, invited once, enrolled, switched off at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from sqlmodel import select

from people import password_seal
from people.credential_models import EnrolmentLink
from people.errors import InvalidInput, LinkExpired
from people.models import Staff
from people.staff import (
    api_tokens,
    link_creation,
    session_lifecycle,
    staff_enrolment,
    staff_records,
    staff_status,
)
from tests.factories import an_agent
from tests.processes import at_once

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
PASSWORD = "several good words"


def invited(store) -> tuple[str, str]:
    """An invitation's token and its second factor's secret."""
    with store.unit() as session:
        link = link_creation.create_enrolment_link(
            session, an_agent(session, NOW, email="eve@example.org"), NOW
        )
        return link, staff_enrolment.open_enrolment_link(session, link, NOW)[2]


def test_an_address_is_the_same_in_any_case_and_belongs_to_one(store):
    with store.unit() as session:
        made = an_agent(session, NOW, email=" Eve@Example.ORG ", name="Eve  Ng")
        assert staff_records.find_staff_by_email(session, "eve@example.org").id == made.id
        assert staff_records.open_staff_details(session, made).email == "eve@example.org"
        assert staff_records.open_staff_details(session, made).name == "Eve Ng"
        with pytest.raises(InvalidInput, match="email_taken"):
            an_agent(session, NOW, email="EVE@example.org")


@pytest.mark.parametrize("email", ["", "eve", "@", "a@", "@b", "a b@c", "a@b c", "a" * 65 + "@b"])
def test_what_is_no_address_is_refused(store, email):
    with store.unit() as session, pytest.raises(InvalidInput) as refused:
        an_agent(session, NOW, email=email)
    assert refused.value.field == "email"


@pytest.mark.parametrize("role", ["", "admin", "Agent", "agent,investigator"])
def test_there_are_three_roles_and_no_more(store, role):
    with store.unit() as session, pytest.raises(InvalidInput, match="role_unknown"):
        an_agent(session, NOW, role=role)


def test_an_enrolment_works_once_and_in_its_time(store):
    link, secret = invited(store)
    code = pyotp.TOTP(secret).at(NOW)
    with store.unit() as session:
        member, spare = staff_enrolment.enrol_with_link(session, link, PASSWORD, code, NOW)
        assert len(spare) == 8
        assert b"$argon2" not in member.password_hash
        assert password_seal.open_password_hash(store.ring, member).startswith("$argon2id$")
        with pytest.raises(LinkExpired):
            staff_enrolment.enrol_with_link(session, link, PASSWORD, code, NOW)


def test_a_later_invitation_and_three_days_end_an_earlier_one(store):
    link = invited(store)[0]
    with store.unit() as session:
        staff_enrolment.open_enrolment_link(
            session, link, NOW + link_creation.LINK_LIFETIME - timedelta(seconds=1)
        )
        with pytest.raises(LinkExpired):
            staff_enrolment.open_enrolment_link(session, link, NOW + link_creation.LINK_LIFETIME)
        newer = link_creation.create_enrolment_link(
            session, staff_records.find_staff_by_email(session, "eve@example.org"), NOW
        )
        staff_enrolment.open_enrolment_link(session, newer, NOW)
        for gone in (link, "", "x", link + "x"):
            with pytest.raises(LinkExpired):
                staff_enrolment.open_enrolment_link(session, gone, NOW)


@pytest.mark.parametrize("password", ["short", "x" * 12, "ababababababab", "y z" * 100, ""])
def test_a_poor_password_is_refused_and_leaves_the_link(store, password):
    link, secret = invited(store)
    with pytest.raises(InvalidInput) as refused, store.unit() as session:
        staff_enrolment.enrol_with_link(session, link, password, pyotp.TOTP(secret).at(NOW), NOW)
    assert refused.value.field == "password"
    assert [row.used_at for row in store.all(select(EnrolmentLink))] == [None]
    assert [row.password_hash for row in store.all(select(Staff))] == [None]


def test_a_wrong_authenticator_is_refused(store):
    link, secret = invited(store)
    late = pyotp.TOTP(secret).at(NOW + timedelta(minutes=5))
    with pytest.raises(InvalidInput, match="authenticator_code_wrong"), store.unit() as session:
        staff_enrolment.enrol_with_link(session, link, PASSWORD, late, NOW)


@pytest.mark.both
def test_of_many_who_use_one_link_at_once_one_enrols(store):
    link, secret = invited(store)
    code = pyotp.TOTP(secret).at(NOW)

    def enrol() -> bool:
        try:
            with store.unit() as session:
                staff_enrolment.enrol_with_link(session, link, PASSWORD, code, NOW)
            return True
        except LinkExpired:
            return False

    assert sum(at_once([enrol] * 6, lambda: store.engine.dispose(close=False))) == 1


def test_switched_off_ends_sessions_and_tokens_at_once(store):
    with store.unit() as session:
        member = an_agent(session, NOW)
        token, bearer = (
            session_lifecycle.open_staff_session(session, member, NOW),
            api_tokens.create_api_token(session, member, "", NOW),
        )
        assert session_lifecycle.find_session_principal(session, token, NOW).id == member.id
        assert api_tokens.find_token_principal(session, bearer).id == member.id
        link = link_creation.create_enrolment_link(session, member, NOW)
        staff_status.deactivate_staff_member(session, member, NOW)
        assert session_lifecycle.find_session_principal(session, token, NOW) is None
        assert api_tokens.find_token_principal(session, bearer) is None
        with pytest.raises(LinkExpired):
            staff_enrolment.open_enrolment_link(session, link, NOW)
