"""The simulator's phone: calls come in and are answered, keys are pressed, texts go astray."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from messaging.dispatch.worker import Worker
from messaging.models import DeliveryReport, OutboxMessage, SimulatorPhoneMode
from messaging.providers.simulator.phone_modes import SimulatorMode
from messaging.providers.simulator.sms import SimulatorSmsProvider
from messaging.providers.simulator.voice import SimulatorVoiceProvider
from tests.channels.bridge_calls import Bridged
from tests.channels.support import (
    PHONE,
    a_started_call,
    a_token,
    all_rows,
    booking,
    context,
    wrong,
)

bridged = pytest.mark.settings(bridge_calls=True)


def worker(app, clock) -> Worker:
    here = context(app)
    return Worker(
        here.engine,
        here.ring,
        [SimulatorSmsProvider(here.engine, here.ring)],
        clock,
        line=SimulatorVoiceProvider(here.engine, here.ring),
        voices=[SimulatorVoiceProvider(here.engine, here.ring)],
    )


def phone(client) -> str:
    return client.get("/demo/phone", query_string={"phone": PHONE}).text


def act(client, what: str):
    answer = client.post("/demo/phone/call", data={"phone": PHONE, "act": what})
    assert answer.status_code == 303


@pytest.fixture
def ringing(app, client, clock) -> Bridged:
    call = Bridged(app, client, clock)
    call.api("start")
    worker(app, clock).run_once()
    return call


@bridged
def test_a_bridged_call_rings_is_answered_and_hung_up(client, ringing):
    page = phone(client)
    for word in ("Incoming call", "Answer", "Decline", "Voicemail"):
        assert word in page
    act(client, "answer")
    assert "On the phone" in phone(client)
    assert re.fullmatch(r"\d{6}", ringing.api("start").json["code"])
    act(client, "hang_up")
    assert ringing.shown["call"] == "ended"
    assert 'class="incoming"' not in phone(client)


@bridged
@pytest.mark.parametrize(
    ("what", "state"),
    [("decline", "busy"), ("ignore", "no_answer"), ("voicemail", "voicemail")],
)
def test_a_bridged_call_that_is_missed(client, ringing, what, state):
    for item in ("hang_up", "x", "", what, what, "answer"):
        act(client, item)
    assert ringing.shown["call"] == state
    assert not (ringing.api("start").json or {}).get("code", "").isdigit()  # a number to read out


def test_a_call_that_is_not_bridged_is_noticed(app, client, clock):
    assert "is ringing you" not in phone(client)
    a_started_call(app, client, clock, a_token(app))
    assert "A caller is ringing you" in phone(client)
    assert "A caller is ringing you" in client.get(f"/demo/phone/call?phone=%2B{PHONE[1:]}").text
    assert "Decline" not in phone(client)


class Keypad:
    """The page of the official line, its form filled in as a browser would."""

    def __init__(self, client):
        self.client = client
        self.page = client.get("/demo/keypad", query_string={"phone": PHONE}).text

    def key(self, keys: str) -> str:
        form = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', self.page))
        answer = self.client.post("/demo/keypad", data={**form, "keys": keys})
        assert answer.status_code == 200
        self.page = answer.text
        return self.page


def test_the_keypad_rings_the_official_line(app, client, clock):
    _, code = a_started_call(app, client, clock, a_token(app))
    line = Keypad(client)
    assert "Key in the check number" in line.page
    assert "Please key in" in line.key("")
    assert "Not confirmed" in line.key(wrong(code))
    assert "We have your report" in line.key("2")
    assert "If yes, press 1" in line.key("1")
    assert "Do this now" in line.key("1")
    assert "hung up" in line.page
    line = Keypad(client)
    line.key("*")
    assert "drücken Sie" in line.page or "Deutsch" in line.page
    line.key("1")
    assert "Genuine" in line.key(f"{code}#")
    assert "Genuine" in line.key("1")


@pytest.mark.parametrize("field", ["stage", "at", "call", "keys", "phone"])
@pytest.mark.parametrize("value", ["", "x", "é", "A" * 3000, "\x00", "answer"])
def test_a_bent_form_is_no_error(client, field, value):
    answer = client.post("/demo/keypad", data={"stage": "keyed", "keys": "1", field: value})
    assert answer.status_code == 200
    for path in ("call", "line"):
        form = {"phone": value, "mode": value, "seconds": value, "act": value}
        assert client.post(f"/demo/phone/{path}", data=form).status_code == 303


def booked_on(app, client, clock, mode: SimulatorMode, seconds: str = "") -> OutboxMessage:
    """A booking's text to a phone of that kind, after a worker's round."""
    form = {"phone": PHONE, "mode": mode, "seconds": seconds}
    assert client.post("/demo/phone/line", data=form).status_code == 303
    made = client.post("/api/v1/callbacks", json=booking(app), headers=a_token(app))
    assert made.status_code == 201
    worker(app, clock).run_once()
    return all_rows(app, OutboxMessage)[0]


@pytest.mark.parametrize(
    ("mode", "state", "error", "report", "arrives"),
    [
        (SimulatorMode.AT_ONCE, "sent", None, ["delivered"], True),
        (SimulatorMode.LANDLINE, "failed", "landline", [], False),
        (SimulatorMode.OPTED_OUT, "failed", "opted_out", [], False),
        (SimulatorMode.OFF, "sent", None, ["undelivered"], False),
        (SimulatorMode.DOWN, "queued", "unavailable", [], False),
        (SimulatorMode.UNSURE, "queued", "unknown", ["delivered"], True),
    ],
)
def test_texts_arrive_as_chosen(app, client, clock, mode, state, error, report, arrives):
    row = booked_on(app, client, clock, mode)
    assert (row.state, row.error) == (state, error)
    assert [one_row.status for one_row in all_rows(app, DeliveryReport)] == report
    assert ("will ring you" in phone(client)) is arrives
    if mode is SimulatorMode.UNSURE:
        clock.now += timedelta(minutes=1)
        worker(app, clock).run_once()
        assert all_rows(app, OutboxMessage)[0].state == "sent"
        assert phone(client).count("will ring you") == 1


def test_a_late_text_comes_late(app, client, clock):
    booked_on(app, client, clock, SimulatorMode.LATE, "45")
    for seconds, there in ((0, False), (44, False), (2, True)):
        clock.now += timedelta(seconds=seconds)
        assert ("will ring you" in phone(client)) is there
        found = client.get("/demo/messages").json["messages"]
        assert bool(found) is there


def test_a_phone_left_alone_gets_its_texts_at_once(app, client, clock):
    client.post("/api/v1/callbacks", json=booking(app), headers=a_token(app))
    worker(app, clock).run_once()
    assert "will ring you" in phone(client)
    assert all_rows(app, DeliveryReport) == []
    assert all_rows(app, SimulatorPhoneMode) == []
