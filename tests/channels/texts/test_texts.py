"""Texts by Twilio's webhook: believed only when signed, handled once, answered plainly."""

from __future__ import annotations

import re

import pytest
from twilio.request_validator import RequestValidator

from channels.texts.command_parser import TextCommand, parse_text_command
from incidents.reports.models import Report
from messaging.models import InboundText
from tests.channels.support import (
    AUTH_TOKEN,
    OTHER_PHONE,
    PHONE,
    a_started_call,
    a_text,
    a_token,
    all_rows,
    booking,
    wrong,
)

pytestmark = pytest.mark.settings(
    public_url="https://check.example.org", twilio_auth_token=AUTH_TOKEN
)


def said(answer) -> str:
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "text/xml"
    found = re.search(r"<Message>(.*)</Message>", answer.text)
    return found[1] if found else ""


def test_the_right_code_by_text_is_genuine_with_the_agents_reply_word(app, client, clock):
    headers = a_token(app)
    callback, code = a_started_call(app, client, clock, headers)
    answer = said(a_text(client, code, "SM1"))
    assert "GENUINE" in answer
    assert "Ana" in answer
    assert client.get(f"/api/v1/callbacks/{callback}", headers=headers).json["channel"] == "text"


def test_a_replayed_text_does_nothing(app, client, clock):
    _, code = a_started_call(app, client, clock, a_token(app))
    assert "GENUINE" in said(a_text(client, code, "SM1"))
    assert said(a_text(client, code, "SM1")) == ""
    assert len(all_rows(app, InboundText)) == 1


def test_unsigned_and_wrongly_signed_texts_do_nothing(app, client, clock):
    _, code = a_started_call(app, client, clock, a_token(app))
    assert a_text(client, code, "SM1", token="another").status_code == 403
    assert a_text(client, code, "SM1", base="https://evil.example").status_code == 403
    form = {"MessageSid": "SM1", "From": PHONE, "Body": code}
    assert client.post("/twilio/sms", data=form).status_code == 403
    assert client.post("/twilio/sms", json=form).status_code == 403
    good = RequestValidator(AUTH_TOKEN).compute_signature("http://localhost/twilio/sms", form)
    forged = {"X-Twilio-Signature": good, "X-Forwarded-Host": "localhost", "Host": "localhost"}
    assert client.post("/twilio/sms", data=form, headers=forged).status_code == 403
    assert all_rows(app, InboundText) == []


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\xff\xfe", "application/octet-stream"),
        (b'"text"', "application/json"),
        (b"{}", "application/json"),
        (b"", "application/x-www-form-urlencoded"),
        (b"Body=%00%ff", "application/x-www-form-urlencoded"),
        (b"--x\r\n\r\n", "multipart/form-data; boundary=x"),
    ],
)
@pytest.mark.parametrize("signature", ["", "x", "é", "A" * 5000])
def test_nothing_a_stranger_sends_raises(client, data, kind, signature):
    headers = {"X-Twilio-Signature": signature, "Content-Type": kind}
    for path in ("/twilio/sms", "/twilio/sms?bodySHA256=x", "/twilio/nothing"):
        assert client.post(path, data=data, headers=headers).status_code in (403, 404)


def test_without_a_token_nothing_is_signed(app, client):
    import dataclasses

    with app.app_context():
        dataclasses.replace(app.extensions["vouchline"], webhook_keys={"twilio": ()}).attach_to_app(
            app
        )
    assert a_text(client, "123456", "SM1", token="").status_code == 403


def test_a_wrong_code_a_strangers_code_and_no_call_answer_alike(app, client, clock):
    _, code = a_started_call(app, client, clock, a_token(app))
    answers = {
        said(a_text(client, wrong(code), "SM1")),
        said(a_text(client, code, "SM2", sender=OTHER_PHONE)),
        said(a_text(client, "000000", "SM3", sender="+447400999999")),
    }
    assert len(answers) == 1
    assert "NOT CONFIRMED" in answers.pop()


def test_check_answers_from_what_is_going_on(app, client, clock):
    before = said(a_text(client, "Check", "SM1"))
    stranger = said(a_text(client, "check?", "SM2", sender=OTHER_PHONE))
    assert before == stranger
    assert "NOT calling you" in before
    a_started_call(app, client, clock, a_token(app))
    assert "Ana is calling you since" in said(a_text(client, "CHECK", "SM3"))


def test_refuse_calls_the_callback_off(app, client):
    headers = a_token(app)
    made = client.post("/api/v1/callbacks", json=booking(app), headers=headers).json
    assert "We will not ring you" in said(a_text(client, "refuse", "SM1"))
    assert client.get(f"/api/v1/callbacks/{made['id']}", headers=headers).json["state"] == "refused"
    assert client.post(f"/api/v1/callbacks/{made['id']}/start", headers=headers).status_code == 409
    assert "no call booked" in said(a_text(client, "refuse", "SM2"))


def test_scam_files_a_proven_report(app, client):
    assert "your report R" in said(a_text(client, "SCAM they wanted gift cards", "SM1"))
    assert [(r.proven, r.channel) for r in all_rows(app, Report)] == [(True, "text")]


def test_anything_else_is_helped_once_an_hour(client, clock):
    from datetime import timedelta

    assert "CHECK" in said(a_text(client, "hello", "SM1"))
    clock.now += timedelta(minutes=59)
    assert said(a_text(client, "😀" * 500, "SM2")) == ""
    clock.now += timedelta(minutes=1, seconds=1)
    assert "CHECK" in said(a_text(client, "hello", "SM3"))


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ("482915", TextCommand("code", "482915")),
        ("482 915", TextCommand("code", "482915")),
        ("482-915", TextCommand("code", "482915")),
        ("482 915", TextCommand("code", "482915")),
        ("４８２９１５", TextCommand("code", "482915")),
        ("٤٨٢٩١٥", TextCommand("code", "482915")),
        ("४८२ ९१५", TextCommand("code", "482915")),
        ("he said 482 915", TextCommand("code", "482915")),
        ("Is it 482915?", TextCommand("code", "482915")),
        ("482915 482916", TextCommand("other")),
        ("4829151", TextCommand("other")),
        ("+447400123456", TextCommand("other")),
        ("07400 123456", TextCommand("other")),
        ("check", TextCommand("check")),
        (" CHECK! ", TextCommand("check")),
        ("ＣＨＥＣＫ", TextCommand("check")),
        ("Scam", TextCommand("scam")),
        ("Refuse.", TextCommand("refuse")),
        ("I will check tomorrow", TextCommand("other")),
        ("", TextCommand("other")),
        ("😀", TextCommand("other")),
        ("\x00" * 100, TextCommand("other")),
        ("9" * 100000, TextCommand("other")),
    ],
)
def test_what_a_text_asks_for(body, asked):
    assert parse_text_command(body, 6) == asked
