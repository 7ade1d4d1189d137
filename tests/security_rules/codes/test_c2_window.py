"""C2: a code can be seen and accepted between Start and End only, in the window, ten minutes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from scheduling import callback_rows
from scheduling.booking import cancellations
from scheduling.errors import OutsideWindow, WrongState
from scheduling.models import Callback
from storage.session import core_transaction
from tests import factories
from tests.channels.support import a_started_call, a_token
from tests.channels.support import booking as body_of_booking
from vault.keys import keyring
from verification import call_end, call_session, issued_codes
from verification.code_check import check_code
from verification.models import Code
from verification.verdicts import AlreadyConfirmed, Channel, Genuine, NotConfirmed

BOOKED = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
TICK = timedelta(microseconds=1)
POLICY = factories.a_policy()


def booked(store, minutes=15):
    """A callback booked for ten o'clock: its id, its agent and its number."""
    with store.unit() as session:
        customer = factories.a_customer(session, BOOKED, phone := factories.a_phone())
        earlier = BOOKED - timedelta(hours=1)
        made = factories.a_callback(
            session, earlier, customer=customer, ahead=timedelta(hours=1), minutes=minutes
        )
        return made.id, made.agent_id, phone


def start(store, made, now, policy=POLICY):
    with store.unit() as session:
        return call_session.start_call(
            session, callback_rows.get_held_callback(session, *made[:2]), policy, now
        )


def verdict(store, made, code, now, channel=Channel.WEB):
    with core_transaction(store.engine, keyring.keyring_session_info(store.ring)) as work:
        return check_code(work, made[2], code, channel, now, organisation="Example Bank")


def confirmed(store, made, code, now) -> bool:
    return isinstance(verdict(store, made, code, now), Genuine)


@pytest.mark.parametrize("lead", [0, 5, 60])
def test_start_waits_for_the_window_to_the_microsecond(store, lead):
    made = booked(store)
    policy = factories.a_policy(window_lead_minutes=lead)
    opens = BOOKED - timedelta(minutes=lead)
    with pytest.raises(OutsideWindow, match="too_early"):
        start(store, made, opens - TICK, policy)
    assert not [c for c in store.all(select(Code)) if c.callback_id]
    assert start(store, made, opens, policy).code


def test_start_is_too_late_when_the_booked_time_is_over(store):
    made, over = booked(store), BOOKED + timedelta(minutes=15)
    with pytest.raises(OutsideWindow, match="too_late"):
        start(store, made, over)
    assert start(store, made, over - TICK).valid_until == over


@pytest.mark.parametrize("minutes", [5, 15, 120])
def test_a_code_lives_ten_minutes_at_the_most_and_never_past_the_window(store, minutes):
    made = booked(store, minutes)
    issued = start(store, made, BOOKED)
    assert issued.valid_until == BOOKED + timedelta(minutes=min(minutes, 10))


def test_the_last_microsecond_confirms_and_the_next_does_not(store):
    for after, good in ((-TICK, True), (timedelta(0), False), (TICK, False)):
        made = booked(store)
        issued = start(store, made, BOOKED)
        assert confirmed(store, made, issued.code, issued.valid_until + after) is good


def test_the_first_microsecond_confirms_and_the_one_before_does_not(store):
    """A server whose clock is behind the one that started the call does not believe the code."""
    for before, good in ((TICK, False), (timedelta(0), True)):
        made = booked(store)
        issued = start(store, made, BOOKED)
        assert confirmed(store, made, issued.code, BOOKED - before) is good


def test_after_end_nothing_is_told_even_of_a_confirmed_call(store):
    for checked_first in (True, False):
        made = booked(store)
        issued = start(store, made, BOOKED)
        if checked_first:
            assert confirmed(store, made, issued.code, BOOKED)
            assert isinstance(verdict(store, made, issued.code, BOOKED), AlreadyConfirmed)
        with store.unit() as session:
            call_end.end_call(
                session,
                callback_rows.get_held_callback(session, *made[:2]),
                "reached",
                factories.a_policy(),
                BOOKED,
            )
        assert isinstance(verdict(store, made, issued.code, BOOKED), NotConfirmed)
        kept = next(c for c in store.all(select(Code)) if c.callback_id == made[0])
        assert kept.secret is None


def test_a_new_code_kills_the_old_at_once_and_brings_ten_minutes_of_its_own(store):
    made = booked(store)
    old = start(store, made, BOOKED)
    later = BOOKED + timedelta(minutes=9)
    with store.unit() as session:
        new = issued_codes.reissue_code(
            session, callback_rows.get_held_callback(session, *made[:2]), POLICY, later
        )
    assert new.valid_until == BOOKED + timedelta(minutes=15)
    assert old.code == new.code or not confirmed(store, made, old.code, later)
    assert confirmed(store, made, new.code, old.valid_until)


def test_a_code_that_ran_out_can_be_replaced_until_the_window_is_over(store):
    made = booked(store)
    start(store, made, BOOKED)
    over = BOOKED + timedelta(minutes=15)
    with store.unit() as session, pytest.raises(WrongState, match="check_number_expired"):
        issued_codes.current_code(
            session,
            callback_rows.get_held_callback(session, *made[:2]),
            BOOKED + timedelta(minutes=10),
        )
    with store.unit() as session, pytest.raises(OutsideWindow):
        issued_codes.reissue_code(
            session, callback_rows.get_held_callback(session, *made[:2]), POLICY, over
        )
    with store.unit() as session:
        new = issued_codes.reissue_code(
            session, callback_rows.get_held_callback(session, *made[:2]), POLICY, over - TICK
        )
    assert confirmed(store, made, new.code, over - TICK)


@pytest.mark.parametrize("how", ["booked", "cancelled", "refused", "missed"])
def test_a_callback_that_never_started_has_no_code_to_guess(store, how):
    made = booked(store)
    with store.unit() as session:
        held = callback_rows.get_held_callback(session, *made[:2])
        if how == "cancelled":
            cancellations.cancel_booked_callback(session, held, POLICY, BOOKED)
        elif how == "refused":
            cancellations.refuse_callback(session, held, BOOKED)
        elif how == "missed":
            cancellations.mark_overdue_missed(
                session, factories.a_policy(), BOOKED + timedelta(hours=1)
            )
    assert store.all(select(Callback))[0].state == how
    assert not [c for c in store.all(select(Code)) if c.callback_id]
    if how != "booked":
        with pytest.raises(WrongState):
            start(store, made, BOOKED)


def test_start_pressed_twice_shows_the_same_code_and_gives_no_fresh_tries(store):
    made = booked(store)
    issued = start(store, made, BOOKED)
    for n in range(3):
        verdict(store, made, factories.wrong(issued.code, n + 1), BOOKED)
    again = start(store, made, BOOKED + timedelta(minutes=1))
    assert (again.code, again.valid_until) == (issued.code, issued.valid_until)
    kept = next(c for c in store.all(select(Code)) if c.callback_id == made[0])
    assert (kept.tries_open, kept.counter) == (3, 0)


def test_a_call_left_open_is_closed_when_its_window_is_over(store):
    made = booked(store)
    issued = start(store, made, BOOKED)
    over = BOOKED + timedelta(minutes=15)
    with store.unit() as session:
        call_end.end_overdue_calls(session, over - TICK)
    assert store.all(select(Callback))[0].state == "started"
    with store.unit() as session:
        call_end.end_overdue_calls(session, over)
    assert store.all(select(Callback))[0].state == "ended"
    assert not confirmed(store, made, issued.code, over - TICK)


@pytest.mark.parametrize("role", ["agent", "supervisor", "investigator"])
def test_nobody_but_the_agent_of_the_call_sees_its_code(app, client, clock, role):
    callback, code = a_started_call(app, client, clock, a_token(app))
    other = a_token(app, role, f"other-{role}@example.org")
    for method, path in (
        ("POST", f"/api/v1/callbacks/{callback}/start"),
        ("POST", f"/api/v1/callbacks/{callback}/code"),
        ("GET", f"/api/v1/callbacks/{callback}"),
        ("GET", "/api/v1/callbacks?on=2026-11-24"),
    ):
        answer = client.open(path, method=method, headers=other)
        assert code not in answer.text
        assert answer.status_code in (200, 403, 404)
        assert method == "GET" or answer.status_code != 200


def test_only_start_and_code_ever_answer_with_a_code(app, client, clock):
    headers = a_token(app)
    callback, code = a_started_call(app, client, clock, headers)
    body, end = body_of_booking(app, 60), {"outcome": "reached"}
    for answer in (
        client.get(f"/api/v1/callbacks/{callback}", headers=headers),
        client.get("/api/v1/callbacks?on=2026-11-24", headers=headers),
        client.post("/api/v1/callbacks", json=body, headers=headers),
        client.post(f"/api/v1/callbacks/{callback}/end", json=end, headers=headers),
    ):
        assert code not in answer.text
