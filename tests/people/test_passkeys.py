"""Passkeys: made by their owner, used by their owner, and every lie of an authenticator refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from people.credential_models import Passkey, SpentChallenge
from people.errors import InvalidInput, NotFound
from people.models import Staff
from people.passkeys import assertion, credential_records, registration
from people.passkeys.relying_party import (
    CHALLENGE_LIFETIME,
    PasskeyRefused,
    RelyingParty,
    new_challenge,
    relying_party_from_url,
)
from people.staff import (
    former_credentials,
    security_notices,
    session_lifecycle,
    staff_status,
)
from tests.authenticator import PRESENT, VERIFIED, Authenticator
from tests.factories import an_agent
from tests.processes import at_once
from vault.errors import Tampered
from vault.models import AuditEntry

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
SITE = RelyingParty("localhost", "http://localhost:5000", "Example Bank")


@pytest.fixture
def member(store) -> Staff:
    with store.unit() as session:
        return an_agent(session, NOW, email="ana@example.org")


def register(store, member, device=None, name="Phone", **lies) -> Authenticator:
    """A passkey of that member of staff."""
    device = device or Authenticator()
    with store.unit() as session:
        row = session.get_one(Staff, member.id)
        asked = new_challenge(f"register:{member.id.hex}", NOW)
        made = device.make(asked.value, registration.ensure_user_handle(session, row), **lies)
        registration.register_passkey(session, row, SITE, made, asked, name, NOW)
    return device


def enter(store, device, asked=None, now=NOW, purpose="enter", **lies) -> str:
    """Whose passkey it is, or nobody's; as the edge does, what a failed try did is kept."""
    asked = asked or new_challenge("enter", now)
    return answer(store, device.use(asked.value, **lies), asked, now, purpose)


def answer(store, said, asked, now=NOW, purpose="enter") -> str:
    with store.unit() as session:
        try:
            return assertion.verify_assertion(session, SITE, said, asked, now, purpose=purpose)[
                0
            ].id.hex
        except PasskeyRefused as error:
            assert str(error) == ""
            return ""


def actions(store) -> list[str]:
    return [row.action for row in store.all(select(AuditEntry))]


def test_a_passkey_lets_its_owner_in_time_and_again(store, member):
    device = register(store, member)
    assert enter(store, device) == member.id.hex
    assert enter(store, device) == member.id.hex
    with store.unit() as session:
        assert [
            passkey.name for passkey in credential_records.list_passkeys(session, member.id)
        ] == ["Phone"]
        told = [notice.kind for notice in security_notices.list_unseen_notices(session, member.id)]
    assert told == ["passkey_added"]
    assert "passkey.add" in actions(store)


def test_one_that_does_not_count_stays_good(store, member):
    device = register(store, member, Authenticator(counts=False))
    assert [enter(store, device) for _ in range(3)] == [member.id.hex] * 3


LIES = [
    {"origin": "https://evil.example"},
    {"origin": "http://localhost"},
    {"origin": "https://localhost:5000"},
    {"challenge": b"x" * 32},
    {"challenge": b""},
    {"rp_id": "evil.example"},
    {"rp_id": "example.org"},
    {"without": VERIFIED},
    {"without": PRESENT},
    {"without": PRESENT | VERIFIED},
]


@pytest.mark.parametrize("lie", [*LIES, {"kind": "webauthn.create"}, {"handle": b"other"}], ids=str)
def test_a_lie_when_it_is_used_is_refused_and_written_down(store, member, lie):
    device = register(store, member)
    assert enter(store, device, **lie) == ""
    assert "staff.sign_in_failed" in actions(store)
    assert enter(store, device) == member.id.hex  # and takes nothing from its owner


@pytest.mark.parametrize("lie", [*LIES, {"kind": "webauthn.get"}], ids=str)
def test_a_lie_when_it_is_made_is_refused(store, member, lie):
    with pytest.raises(PasskeyRefused):
        register(store, member, **lie)
    assert store.all(select(Passkey)) == []


def test_without_a_handle_or_with_anothers_nobody_gets_in(store, member):
    device = register(store, member)
    with store.unit() as session:
        ben = an_agent(session, NOW, email="ben@example.org")
    other = register(store, ben)
    assert enter(store, device, handle=None) == ""
    assert enter(store, device, handle=other.handle) == ""
    assert device.handle != other.handle


def test_the_handle_says_nothing_of_its_owner(store, member):
    handle = register(store, member).handle
    assert len(handle) == 32
    assert member.id.bytes not in handle
    assert b"ana" not in handle


@pytest.mark.both
def test_an_answer_is_good_once_however_many_send_it(store, member):
    device, asked = (
        register(store, member, Authenticator(counts=False)),
        new_challenge("enter", NOW),
    )
    said = device.use(asked.value)
    act = [lambda: answer(store, said, asked)] * 8
    told = at_once(act, lambda: store.engine.dispose(close=False))
    assert sorted(told) == [""] * 7 + [member.id.hex]


def test_a_challenge_is_good_for_five_minutes_for_one_purpose_and_not_before_its_time(
    store, member
):
    device, second = register(store, member), timedelta(seconds=1)
    asked = new_challenge("enter", NOW)
    assert enter(store, device, asked, NOW + CHALLENGE_LIFETIME) == ""
    assert enter(store, device, asked, NOW - second) == ""
    assert enter(store, device, asked, purpose=f"prove:{member.id.hex}") == ""
    assert enter(store, device, replace(asked, purpose="register")) == ""
    assert enter(store, device, asked, NOW + CHALLENGE_LIFETIME - second) == member.id.hex
    with store.unit() as session, pytest.raises(PasskeyRefused):
        row = session.get_one(Staff, member.id)
        made = Authenticator().make(asked.value)
        registration.register_passkey(session, row, SITE, made, asked, "x", NOW)


def test_spent_challenges_do_not_pile_up(store, member):
    device = register(store, member)
    for minutes in range(0, 60, 12):
        assert enter(store, device, now=NOW + timedelta(minutes=minutes)) == member.id.hex
    assert len(store.all(select(SpentChallenge))) == 1


@pytest.mark.parametrize("count", [0, 1, 5])
def test_a_count_that_does_not_rise_stops_the_passkey_and_what_was_begun_by_it(
    store, member, count
):
    device = register(store, member, Authenticator(count=5))
    with store.unit() as session:
        row = session.exec(select(Passkey)).one()
        owner = session.get_one(Staff, member.id)
        by_it = session_lifecycle.open_staff_session(
            session, owner, NOW, how="passkey", passkey_id=row.id
        )
        other = session_lifecycle.open_staff_session(session, owner, NOW)
    assert enter(store, device, count=count) == ""
    assert "passkey.cloned" in actions(store)
    assert enter(store, device, count=99) == ""
    with store.unit() as session:
        assert session_lifecycle.find_session_principal(session, by_it, NOW) is None
        assert session_lifecycle.find_session_principal(session, other, NOW) is not None
        assert (
            next(n.kind for n in security_notices.list_unseen_notices(session, member.id))
            == "passkey_stopped"
        )


def test_a_stranger_who_knows_the_id_cannot_pass_for_a_copy(store, member):
    """The count is looked at after the signature: else anybody could stop a colleague's."""
    device = register(store, member, Authenticator(count=5))
    stranger = Authenticator(credential=device.credential, handle=device.handle)
    assert enter(store, stranger, count=1) == ""
    assert "passkey.cloned" not in actions(store)
    assert enter(store, device) == member.id.hex


def test_somebody_switched_off_or_reset_does_not_get_in(store, member):
    device = register(store, member)
    with store.unit() as session:
        row = session.get_one(Staff, member.id)
        staff_status.deactivate_staff_member(session, row, NOW)
    assert enter(store, device) == ""
    with store.unit() as session:
        row = session.get_one(Staff, member.id)
        row.active = True
        former_credentials.remove_all_passkeys(session, row, NOW)
    assert enter(store, device) == ""


def test_a_removed_one_is_gone_and_only_its_owner_removes_it(store, member):
    device = register(store, member)
    with store.unit() as session:
        ben, row = an_agent(session, NOW), session.exec(select(Passkey)).one()
        with pytest.raises(NotFound):
            credential_records.delete_passkey(session, ben.id, row.id, NOW)
        credential_records.delete_passkey(session, member.id, row.id, NOW)
        with pytest.raises(NotFound):
            credential_records.delete_passkey(session, member.id, row.id, NOW)
    assert enter(store, device) == ""


def test_one_authenticators_passkey_belongs_to_one_person(store, member):
    device = register(store, member)
    with store.unit() as session:
        ben = an_agent(session, NOW)
    with pytest.raises(PasskeyRefused):
        register(store, ben, device)
    assert len(store.all(select(Passkey))) == 1


def test_a_writer_to_the_database_makes_no_passkey_somebody_elses(store, member):
    """An administrator of the database with a passkey of their own."""
    with store.unit() as session:
        eve = an_agent(session, NOW, email="eve@example.org")
    theirs, mine = register(store, member), register(store, eve)
    with store.unit() as session:
        rows = {row.staff_id: row for row in session.exec(select(Passkey))}
        handles = {one_row: session.get_one(Staff, one_row) for one_row in rows}
        rows[eve.id].staff_id = member.id
        session.add(rows[eve.id])
    assert enter(store, mine, handle=theirs.handle) == ""
    with store.unit() as session:
        row = session.get_one(Passkey, rows[eve.id].id)
        row.staff_id = eve.id
        victim = session.get_one(Passkey, rows[member.id].id)
        victim.public_key = row.public_key
        session.add_all([row, victim])
    copy = Authenticator(credential=theirs.credential, key=mine.key, handle=theirs.handle)
    with pytest.raises(Tampered):
        enter(store, copy)
    assert handles


def test_there_are_so_many_and_no_more_each_with_a_name(store, member):
    for n in range(credential_records.MAX_PASSKEYS):
        register(store, member, name=f"Key {n}")
    with pytest.raises(InvalidInput, match="too_many_passkeys"):
        register(store, member)
    with store.unit() as session, pytest.raises(InvalidInput, match="too_many_passkeys"):
        row = session.get_one(Staff, member.id)
        registration.registration_options(session, row, "ana", SITE, new_challenge("x", NOW))


@pytest.mark.parametrize("name", ["", "x" * 41, "a\x00b", "see www.evil.example"])
def test_a_name_that_cannot_be_shown_is_refused(store, member, name):
    with pytest.raises(InvalidInput):
        register(store, member, name=name)


def test_the_browser_is_asked_for_what_we_rely_on(store, member):
    register(store, member)
    with store.unit() as session:
        row = session.get_one(Staff, member.id)
        asked = new_challenge("x", NOW)
        wanted = json.loads(
            registration.registration_options(session, row, "ana@example.org", SITE, asked)
        )
    assert wanted["attestation"] == "none"
    assert wanted["rp"] == {"id": "localhost", "name": "Example Bank"}
    chosen = wanted["authenticatorSelection"]
    assert (chosen["residentKey"], chosen["userVerification"]) == ("required", "required")
    assert len(wanted["excludeCredentials"]) == 1
    used = json.loads(assertion.assertion_options(SITE, asked))
    assert used["userVerification"] == "required"
    assert used["allowCredentials"] == []


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://localhost:5000", ("localhost", "http://localhost:5000")),
        ("https://Check.Example.org/", ("check.example.org", "https://check.example.org")),
        ("https://check.example.org:443", ("check.example.org", "https://check.example.org")),
        ("https://a.example:8443/x", ("a.example", "https://a.example:8443")),
        ("http://check.example.org", None),
        ("http://127.0.0.1:5000", None),
        ("https://192.0.2.1", None),
        ("https://[::1]", None),
        ("ftp://localhost", None),
        ("", None),
    ],
)
def test_the_site_is_that_of_the_public_address(url, found):
    made = relying_party_from_url(url, "x")
    assert (made and (made.rp_id, made.origin)) == found


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_bytes_of_a_stranger_end_in_an_error(store, member, data):
    device = Authenticator()
    asked = new_challenge("enter", NOW)
    said = json.loads(device.use(asked.value, handle=b"x"))
    where = data.draw(st.sampled_from([said, said["response"]]))
    field = data.draw(st.sampled_from(sorted(where)))
    junk = st.one_of(st.none(), st.integers(), st.text(max_size=40), st.just([]), st.just({}))
    where[field] = data.draw(junk)
    assert answer(store, json.dumps(said), asked) == ""
    assert answer(store, data.draw(st.text(max_size=60)), asked) == ""
