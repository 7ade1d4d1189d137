"""MOVE: three times to choose from, taken by their number, first come, first served."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

import pytest

from channels.texts.command_parser import parse_text_command
from messaging.models import OutboxMessage
from scheduling.models import Callback, FormerTime, SlotOffer
from tests.channels.support import (
    AUTH_TOKEN,
    OTHER_PHONE,
    PHONE,
    a_text,
    a_token,
    all_rows,
    booking,
)
from tests.channels.texts.test_texts import said
from tests.processes import at_once
from vault.models import AuditEntry

pytestmark = pytest.mark.settings(
    public_url="https://check.example.org", twilio_auth_token=AUTH_TOKEN
)


@pytest.fixture
def booked(app, client):
    """A callback of tomorrow, and how to ask for it."""
    headers = a_token(app)
    made = client.post("/api/v1/callbacks", json=booking(app, 24 * 60), headers=headers)
    assert made.status_code == 201

    def now():
        return client.get(f"/api/v1/callbacks/{made.json['id']}", headers=headers).json

    return now


def offered(app) -> list[SlotOffer]:
    open_ones = [row for row in all_rows(app, SlotOffer) if row.closed_at is None]
    return sorted(open_ones, key=lambda each: each.number)


def test_move_offers_three_times_and_a_number_takes_one(app, client, booked):
    first = booked()["starts_at"]
    answer = said(a_text(client, "move please", "SM1"))
    times = offered(app)
    assert [time_.number for time_ in times] == [1, 2, 3]
    assert all(f"{time_.number} for " in answer for time_ in times)
    assert booked()["move_asked_at"] is not None
    assert booked()["starts_at"] == first
    assert "New time" in said(a_text(client, "2", "SM2"))
    after = booked()
    assert datetime.fromisoformat(after["starts_at"]) == times[1].starts_at
    assert after["move_asked_at"] is None
    assert [row.moved_by for row in all_rows(app, FormerTime)] == ["customer"]
    moves = [row for row in all_rows(app, AuditEntry) if row.action == "callback.move"]
    assert [row.actor for row in moves] == ["customer"]


def test_the_answer_tells_the_new_time_so_no_other_text_does(app, client, booked):
    said(a_text(client, "MOVE", "SM1"))
    said(a_text(client, "1", "SM2"))
    waiting = {row.kind for row in all_rows(app, OutboxMessage) if row.state == "queued"}
    assert waiting <= {"reminder"}


def test_an_offer_is_taken_once_and_only_by_its_customer(app, client, booked):
    said(a_text(client, "MOVE", "SM1"))
    times = offered(app)
    assert "CHECK" in said(a_text(client, "1", "SM2", sender=OTHER_PHONE))
    said(a_text(client, "1", "SM3"))
    said(a_text(client, "3", "SM4"))
    assert datetime.fromisoformat(booked()["starts_at"]) == times[0].starts_at
    assert offered(app) == []


def test_a_later_move_makes_the_numbers_of_the_earlier_one_worthless(app, client, booked, clock):
    said(a_text(client, "MOVE", "SM1"))
    before = offered(app)
    clock.now += timedelta(hours=4)
    said(a_text(client, "MOVE", "SM2"))
    now = offered(app)
    assert len(now) == 3
    assert {item.id for item in now}.isdisjoint(item.id for item in before)
    said(a_text(client, "1", "SM3"))
    assert datetime.fromisoformat(booked()["starts_at"]) == now[0].starts_at


def test_a_time_that_somebody_else_took_is_answered_with_others(app, client, booked):
    said(a_text(client, "MOVE", "SM1"))
    gone = offered(app)[0].starts_at
    other = {**booking(app, 24 * 60), "starts_at": gone.isoformat()}
    other["customer"] = {"phone": OTHER_PHONE, "name": "Heinz Becker"}
    headers = a_token(app)
    taken = client.post("/api/v1/callbacks", json=other, headers=headers)
    assert taken.status_code == 201, taken.text
    answer = said(a_text(client, "1", "SM2"))
    assert "Text 1 for" in answer
    times = [item.starts_at for item in offered(app)]
    assert gone not in times
    assert booked()["state"] == "booked"
    said(a_text(client, "1", "SM3"))
    assert datetime.fromisoformat(booked()["starts_at"]) == times[0]


@pytest.mark.parametrize("wait", [timedelta(hours=24), timedelta(hours=23, minutes=59)])
def test_offers_run_out_after_a_day(app, client, booked, clock, wait):
    first = booked()["starts_at"]
    said(a_text(client, "MOVE", "SM1"))
    late = offered(app)[2]
    clock.now += wait
    said(a_text(client, "3", "SM2"))
    good = clock.now < late.expires_at and late.starts_at > clock.now + timedelta(minutes=5)
    assert (booked()["starts_at"] != first) == good


def test_a_number_after_refusing_brings_nothing_back(app, client, booked):
    said(a_text(client, "MOVE", "SM1"))
    said(a_text(client, "REFUSE", "SM2"))
    said(a_text(client, "1", "SM3"))
    assert booked()["state"] == "refused"


def test_a_replayed_number_moves_once(app, client, booked):
    said(a_text(client, "MOVE", "SM1"))
    said(a_text(client, "1", "SM2"))
    at = booked()["starts_at"]
    said(a_text(client, "MOVE", "SM3"))
    assert said(a_text(client, "1", "SM2")) == ""
    assert booked()["starts_at"] == at


@pytest.mark.both
def test_the_same_number_from_many_phones_at_once_leaves_no_overlap(app, client, booked):
    """Both customers were offered the same time of the same agent; each takes it in a process."""
    headers = a_token(app)
    other = booking(app, 25 * 60)
    other["customer"] = {"phone": OTHER_PHONE, "name": "Heinz Becker"}
    assert client.post("/api/v1/callbacks", json=other, headers=headers).status_code == 201
    said(a_text(client, "MOVE", "SM1"))
    said(a_text(client, "MOVE", "SM2", sender=OTHER_PHONE))

    def take(sid: str, sender: str) -> str:
        return said(a_text(app.test_client(), "1", sid, sender=sender))

    acts = [partial(take, "SM3", PHONE), partial(take, "SM4", OTHER_PHONE)]
    engine = app.extensions["vouchline"].engine
    told = at_once(acts, lambda: engine.dispose(close=False))
    assert sum("New time" in item for item in told) >= 1
    starts = sorted(row.starts_at for row in all_rows(app, Callback))
    assert starts[1] - starts[0] >= timedelta(minutes=15)


@pytest.mark.parametrize(
    ("body", "picked"),
    [
        *[
            (text, "2")
            for text in ("2", " 2. ", "No 2 please", "２", "٢", "#2", "Time 2!", "die 2")
        ],
        *[
            (text, "")
            for text in ("0", "12", "at 2:30", "24/11", "2 or 3", "call me in 2 weeks or so")
        ],
        *[(text, "") for text in ("+2", "2nd of May it is", "", "two")],
    ],
)
def test_what_counts_as_the_number_of_a_time(body, picked):
    found = parse_text_command(body, 6)
    assert (found.code if found.word == "pick" else "") == picked


def test_a_code_is_never_taken_for_a_number():
    assert parse_text_command("482915", 6).word == "code"
    assert parse_text_command("4", 6).word == "pick"
