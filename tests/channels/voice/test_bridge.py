"""Bridged calls: the agent never sees the number, nor the code before the customer is there."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from uuid import uuid4
from xml.etree import ElementTree

import pytest

from messaging.models import PhoneCall
from scheduling.models import Callback
from tests.channels.bridge_calls import Bridged
from tests.channels.support import (
    AUTH_TOKEN,
    PHONE,
    a_text,
    a_token,
    all_rows,
    booking,
    unit,
)
from vault.models import AuditEntry
from verification import bridged_calls
from verification.models import Code

pytestmark = pytest.mark.settings(
    public_url="https://check.example.org", twilio_auth_token=AUTH_TOKEN, bridge_calls=True
)

CONFIRMED = ("genuine", "already_confirmed")


@pytest.fixture
def call(app, client, clock) -> Bridged:
    return Bridged(app, client, clock).started()


def check(call: Bridged, code: str) -> str:
    given = {"phone": PHONE, "code": code}
    return call.client.post("/api/v1/checks", json=given).json["verdict"]


def secret_code(call: Bridged) -> str:
    """The code that nobody may see yet, out of the store."""
    from verification import codes, open_codes

    with unit(call.app) as session:
        row = open_codes.find_open_code(session, call.row.callback_id)
        return codes.hotp_code(open_codes.open_code_secret(session, row), row.counter, row.digits)


def test_the_code_comes_and_goes_with_the_customer(call):
    steps = (
        lambda: None,
        call.agent_on,
        lambda: call.press("1"),
        lambda: call.leg("customer", "ringing"),
        lambda: call.leg("customer", "in-progress"),
    )
    for step in steps:
        step()
        assert "code" not in call.api("start").json
        assert call.api("code").status_code == 409
        assert check(call, secret_code(call)) == "not_confirmed"
    call.machine("human")
    shown = call.api("start").json["code"]
    call.leg("customer", "completed")
    assert check(call, shown) == "not_confirmed"
    assert "code" not in call.api("start").json
    assert call.api("code").status_code == 409
    assert call.api("ring").status_code == 409


def test_a_live_call_is_confirmed_and_given_new_codes(call):
    first = call.live()
    second = call.api("code").json["code"]
    assert check(call, first) == "not_confirmed"
    assert check(call, second) == "genuine"
    call.machine("machine_start")
    call.leg("customer", "completed")
    assert (call.shown["state"], call.shown["call"]) == ("confirmed", "ended")
    assert call.api("end", outcome="reached").status_code == 200


def test_only_key_one_dials_and_only_once(call):
    asked = call.agent_on()
    assert "press 1" in asked.text
    dialled = ElementTree.fromstring(call.press("1").text).find("Dial")
    number = dialled.find("Number")
    assert (dialled.get("callerId"), dialled.get("timeout")) == ("+442079460123", "30")
    assert number.text == PHONE
    assert number.get("machineDetection") == "Enable"
    assert number.get("statusCallbackEvent") == "initiated ringing answered completed"
    for url in (number.get("statusCallback"), number.get("amdStatusCallback")):
        assert url.startswith(f"https://check.example.org/twilio/status/call?call={call.row.id}")
    again = call.press("1").text
    assert PHONE not in again
    assert "<Hangup" in again


@pytest.mark.parametrize("key", ["", "2", "#", "11"])
def test_any_other_key_or_a_machine_that_presses_none_dials_nobody(call, key):
    call.agent_on()
    assert PHONE not in call.press(key).text
    call.leg("agent", "completed")
    assert call.shown["call"] == "hung_up"


def test_another_calls_id_gets_no_number(call):
    call.agent_on()
    path = f"/twilio/voice/bridge/{call.row.id}/go"
    assert PHONE not in call.hook(path, CallSid="CA" + "9" * 32, Digits="1").text
    assert PHONE not in call.hook(path, CallSid="", Digits="1").text


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed"])
def test_a_missed_customer_can_be_rung_again_three_times_with_new_codes(call, status):
    seen = {secret_code(call)}
    for _ in range(3):
        call.ringing()
        call.leg("customer", status)
        call.leg("agent", "completed")
        assert call.shown["call"] == status.replace("-", "_")
        assert check(call, secret_code(call)) == "not_confirmed"
        assert call.api("ring").status_code == 202
        call.work()
        seen.add(secret_code(call))
    assert len(all_rows(call.app, PhoneCall)) == 4
    assert [row.counter for row in all_rows(call.app, Code) if row.callback_id] == [3]
    call.ringing()
    call.leg("customer", status)
    assert call.api("ring").status_code == 409
    call.clock.now += timedelta(hours=1)
    assert call.api("ring").status_code == 409


def test_voicemail_ends_the_callback_with_its_code_unseen(call):
    call.ringing()
    code = secret_code(call)
    call.leg("customer", "in-progress")
    call.machine("machine_start")
    assert (call.shown["state"], call.shown["outcome"]) == ("ended", "voicemail")
    assert check(call, code) == "not_confirmed"
    call.work()
    assert call.line.ended == [f"CA{call.row.id.hex}"]
    assert "code.read" not in {row.action for row in all_rows(call.app, AuditEntry)}


@pytest.mark.parametrize("order", list(permutations(range(4)))[:24:5], ids=str)
def test_events_in_any_order_end_alike(call, order):
    call.ringing()
    events = (
        lambda: call.leg("customer", "in-progress"),
        lambda: call.machine("human"),
        lambda: call.leg("customer", "completed"),
        lambda: call.leg("agent", "completed"),
    )
    for at in (*order, *order):
        assert events[at]().status_code == 200
        over = call.shown["call"] in ("ended", "hung_up")
        assert check(call, secret_code(call)) in ("not_confirmed", *(() if over else CONFIRMED))
    assert call.shown["call"] == "ended"
    assert call.api("ring").status_code == 409


def test_unknown_and_odd_reports_change_nothing(app, call):
    call.ringing()
    before = [row.model_dump() for row in all_rows(app, PhoneCall)]
    odd = (
        {"call": uuid4(), "leg": "customer"},
        {"call": "x", "leg": "customer"},
        {"call": call.row.id, "leg": "x"},
        {"call": call.row.id},
        {},
    )
    for query in odd:
        path = "/twilio/status/call?" + "&".join(f"{k}={v}" for k, v in query.items())
        for status in ("completed", "x", ""):
            answer = call.hook(path.removesuffix("?"), CallStatus=status, AnsweredBy=status)
            assert answer.status_code == 200
    for path in ("x", str(uuid4())):
        for end in ("", "/go", "/done"):
            answer = call.hook(f"/twilio/voice/bridge/{path}{end}", Digits="1")
            assert "<Hangup" in answer.text
    assert [row.model_dump() for row in all_rows(app, PhoneCall)] == before
    unsigned = call.client.post(f"/twilio/status/call?call={call.row.id}&leg=customer")
    assert unsigned.status_code == 403


def test_check_by_text_answers_from_the_call(app, client, call, clock):
    def asked(sid: str) -> str:
        return a_text(client, "CHECK", f"SM{sid}").text

    assert "NOT calling you" in asked("1")
    call.ringing()
    assert "ringing you now" in asked("2")
    call.leg("customer", "in-progress")
    call.machine("human")
    clock.now += timedelta(minutes=3)
    assert "is calling you since 10:12" in asked("3")
    call.leg("customer", "completed")
    assert "NOT calling you" in asked("4")
    stranger = a_text(client, "CHECK", "SM5", sender="+447400123458").text
    assert "NOT calling you" in stranger


def test_a_person_is_presumed_where_no_machine_was_heard(app, call, clock):
    call.ringing()
    call.leg("customer", "in-progress")
    for seconds, state in ((14, "answered"), (2, "live")):
        clock.now += timedelta(seconds=seconds)
        with unit(app) as session:
            bridged_calls.presume_answered_by_person(
                session, app.extensions["vouchline"].policy, clock.now
            )
        assert call.shown["call"] == state


def test_ending_the_callback_ends_the_call(call):
    call.live()
    call.api("end", outcome="refused")
    call.work()
    assert call.line.ended == [f"CA{call.row.id.hex}"]
    assert call.shown["call"] == "hung_up"


def test_an_agent_without_a_number_is_told_so(app, client, clock):
    answer = Bridged(app, client, clock, number="").api("start")
    assert answer.status_code == 409
    assert "phone number" in answer.json["detail"]
    assert all_rows(app, PhoneCall) == []
    assert {row.state for row in all_rows(app, Callback)} == {"booked"}


def test_handing_the_number_to_the_provider_is_written_down(app, call):
    call.ringing()
    found = [row for row in all_rows(app, AuditEntry) if row.purpose == "to ring them"]
    assert [row.action for row in found] == ["customer.read"]


@pytest.mark.settings(bridge_calls=False, twilio_auth_token=AUTH_TOKEN)
def test_without_bridging_start_gives_the_code_and_rings_nobody(app, client, clock):
    headers = a_token(app)
    made = client.post("/api/v1/callbacks", json=booking(app), headers=headers).json["id"]
    clock.now += timedelta(minutes=10)
    assert "code" in client.post(f"/api/v1/callbacks/{made}/start", headers=headers).json
    assert all_rows(app, PhoneCall) == []
