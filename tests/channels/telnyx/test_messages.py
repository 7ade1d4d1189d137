"""Texts and delivery reports by Telnyx's webhook: handled once, answered through its API."""

from __future__ import annotations

import threading
from uuid import uuid4

import pytest

from channels.telnyx import message_webhooks
from messaging import line_types, opt_outs
from messaging.models import DeliveryReport, InboundText
from tests.channels.support import a_started_call, a_token, all_rows, unit
from tests.channels.telnyx.support import (
    OFFICE,
    PHONE,
    a_received_text,
    a_report,
    an_event,
    signed_event,
)

STOP = {"code": "40300", "title": "Blocked due to STOP message"}
LANDLINE = {"code": "40001", "title": "Not routable"}
A_TEXT = "4ee8c3a6-4995-4309-a3c6-38e3db9ea4be"


def answers(telnyx) -> list[str]:
    return [text["text"] for text in telnyx.accepted]


def test_the_right_code_by_text_is_genuine_and_answered_from_the_number_texted(
    app, client, clock, telnyx
):
    headers = a_token(app)
    callback, code = a_started_call(app, client, clock, headers)
    assert signed_event(client, a_received_text(code), clock.now).status_code == 200
    (answer,) = telnyx.accepted
    assert "GENUINE" in answer["text"]
    assert "Ana" in answer["text"]
    assert (answer["to"][0]["phone_number"], answer["from"]["phone_number"]) == (PHONE, OFFICE)
    assert client.get(f"/api/v1/callbacks/{callback}", headers=headers).json["channel"] == "text"


def test_an_event_delivered_again_is_handled_and_answered_once(app, client, clock, telnyx):
    _, code = a_started_call(app, client, clock, a_token(app))
    event = a_received_text(code)
    for _ in range(3):
        assert signed_event(client, event, clock.now).status_code == 200
    assert len(answers(telnyx)) == 1
    assert len(all_rows(app, InboundText)) == 1


@pytest.mark.parametrize("failure", ["accept and hang up", "hang up", (503, None), "no json"])
def test_an_answer_whose_outcome_is_unknown_is_tried_again_and_sent_once(
    app, client, clock, telnyx, failure
):
    telnyx.answers = [failure]
    assert signed_event(client, a_received_text("CHECK"), clock.now).status_code == 200
    assert len(answers(telnyx)) == 1


def test_an_answer_that_telnyx_does_not_take_is_no_error_to_it(app, client, clock, telnyx):
    telnyx.answers = [(403, {"errors": [STOP]}), "hang up", "hang up"]
    for _ in range(2):
        assert signed_event(client, a_received_text("CHECK"), clock.now).status_code == 200
    assert answers(telnyx) == []


def test_while_too_many_answers_are_under_way_no_thread_waits_for_long(
    app, client, clock, telnyx, monkeypatch
):
    busy = threading.BoundedSemaphore(1)
    monkeypatch.setattr(message_webhooks, "_sending", busy)
    monkeypatch.setattr(message_webhooks, "WAIT_SECONDS", 0.05)
    with busy:
        assert signed_event(client, a_received_text("CHECK"), clock.now).status_code == 200
        assert answers(telnyx) == []
    signed_event(client, a_received_text("CHECK"), clock.now)
    assert len(answers(telnyx)) == 1


@pytest.mark.parametrize(
    ("body", "marked", "out"),
    [("STOP", None, True), ("Stopp!", "STOP", True), ("HELP", "HELP", False)],
)
def test_what_telnyx_answers_itself_is_not_answered_twice(
    app, client, clock, telnyx, body, marked, out
):
    signed_event(client, a_received_text(body, autoresponse_type=marked), clock.now)
    with unit(app) as session:
        assert opt_outs.is_opted_out(session, PHONE) == out
    assert answers(telnyx) == []
    signed_event(client, a_received_text("START", autoresponse_type="START"), clock.now)
    with unit(app) as session:
        assert not opt_outs.is_opted_out(session, PHONE)


def test_a_text_to_a_canary_is_told_and_not_answered(app, client, clock, telnyx, monkeypatch):
    told = []

    def detect(session, called, what, key, now):
        told.append((called, str(what), key))
        return True

    monkeypatch.setattr("channels.texts.canary_guard.detect_canary_contact", detect)
    to = [{"phone_number": "+447400999999"}]
    signed_event(client, a_received_text("hello", A_TEXT, to=to), clock.now)
    assert told == [("+447400999999", "text", f"text:{A_TEXT}")]
    assert answers(telnyx) == []


def test_while_nothing_can_be_looked_up_the_customer_is_told_so(
    app, client, clock, telnyx, monkeypatch
):
    def broken(*_):
        raise RuntimeError("broken")

    monkeypatch.setattr("channels.texts.webhook_handling.handle_text", broken)
    assert signed_event(client, a_received_text("CHECK"), clock.now).status_code == 200
    assert "cannot check" in answers(telnyx)[0].lower()


@pytest.mark.parametrize(
    ("status", "kept"),
    [
        ("queued", "queued"),
        ("sending", "sending"),
        ("sent", "sent"),
        ("delivered", "delivered"),
        ("sending_failed", "failed"),
        ("delivery_failed", "undelivered"),
        ("delivery_unconfirmed", "sent"),
        ("expired", "undelivered"),
    ],
)
def test_each_status_is_kept_in_our_words(app, client, clock, status, kept):
    signed_event(client, a_report(A_TEXT, status), clock.now)
    assert [(row.provider_id, row.status) for row in all_rows(app, DeliveryReport)] == [
        (A_TEXT, kept)
    ]


def test_reports_in_any_order_move_a_text_only_forward(app, client, clock):
    for status in ("delivered", "sent", "queued", "delivery_unconfirmed"):
        signed_event(client, a_report(A_TEXT, status), clock.now)
    assert [row.status for row in all_rows(app, DeliveryReport)] == ["delivered"]


def test_what_a_report_says_of_the_number_is_remembered(app, client, clock):
    signed_event(client, a_report(A_TEXT, "delivery_failed", LANDLINE), clock.now)
    with unit(app) as session:
        assert line_types.find_line_type(session, PHONE, clock.now) == "landline"
        assert not opt_outs.is_opted_out(session, PHONE)
    signed_event(client, a_report(str(uuid4()), "sending_failed", STOP), clock.now)
    with unit(app) as session:
        assert opt_outs.is_opted_out(session, PHONE)
    assert sorted(row.error for row in all_rows(app, DeliveryReport)) == [40001, 40300]


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        "x",
        {},
        {"data": None},
        {"data": []},
        {"data": {"event_type": "message.received"}},
        an_event("message.received", []),
        an_event("message.received", {"id": 7}),
        an_event("message.finalized", {"id": A_TEXT, "to": "x"}),
        an_event("message.finalized", {"id": A_TEXT, "to": [1]}),
        an_event("message.finalized", {"id": A_TEXT, "to": [{"status": []}], "errors": {}}),
        an_event("fax.received", {"id": A_TEXT}),
        a_received_text("CHECK", "not-an-id"),
        a_received_text("CHECK", sender="Bank"),
        a_received_text("CHECK", sender="12345"),
        a_received_text("CHECK", sender=None),
        a_received_text("CHECK", type="WHATSAPP"),
        a_report(A_TEXT, "exploded"),
        a_report("../x", "delivered"),
    ],
    ids=lambda event: str(event)[:40],
)
def test_what_is_no_event_of_a_text_changes_nothing(app, client, clock, telnyx, event):
    assert signed_event(client, event, clock.now).status_code == 200
    assert all_rows(app, InboundText) == all_rows(app, DeliveryReport) == []
    assert answers(telnyx) == []


@pytest.mark.parametrize("body", [None, 7, {}, "\x00", "\ud800", "😀" * 3000, "", "\u202e12"])
def test_no_text_however_odd_ends_in_an_error(app, client, clock, body):
    assert signed_event(client, a_received_text(body), clock.now).status_code == 200
