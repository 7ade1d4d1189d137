"""STOP and START: mirrored at once from the provider's field or from the word, and nothing said."""

from __future__ import annotations

import pytest

from incidents.reports.models import Report
from messaging.dispatch.worker import Worker
from messaging.models import OptOut, OutboxMessage
from scheduling.models import Callback
from tests.channels.support import (
    AUTH_TOKEN,
    OTHER_PHONE,
    PHONE,
    a_started_call,
    a_text,
    a_token,
    all_rows,
    booking,
    context,
    signed_post,
)

pytestmark = pytest.mark.settings(
    public_url="https://check.example.org", twilio_auth_token=AUTH_TOKEN
)


def answered(answer) -> bool:
    assert answer.status_code == 200
    return "<Message>" in answer.text


def test_by_the_providers_field_whatever_the_word(app, client):
    assert not answered(a_text(client, "Basta ya", "SM1", OptOutType="STOP"))
    assert len(all_rows(app, OptOut)) == 1
    assert not answered(a_text(client, "vale", "SM2", OptOutType="START"))
    assert all_rows(app, OptOut) == []
    assert not answered(a_text(client, "HELP", "SM3", OptOutType="HELP"))


def test_by_the_word_where_there_is_no_field(app, client):
    assert answered(a_text(client, "start", "SM0"))  # nothing special to somebody who gets texts
    assert not answered(a_text(client, " Stop. ", "SM1"))
    assert len(all_rows(app, OptOut)) == 1
    assert not answered(a_text(client, "UNSTOP", "SM2"))
    assert all_rows(app, OptOut) == []


def test_a_replayed_stop_does_not_undo_a_later_start(app, client):
    a_text(client, "STOP", "SM1")
    a_text(client, "START", "SM2")
    a_text(client, "STOP", "SM1")
    assert all_rows(app, OptOut) == []


def test_it_holds_for_the_number_alone(app, client):
    a_text(client, "STOP", "SM1")
    assert not answered(a_text(client, "CHECK", "SM2"))
    assert answered(a_text(client, "CHECK", "SM3", sender=OTHER_PHONE))


def test_a_text_that_waits_does_not_leave_any_more_and_the_agent_is_told(app, client):
    headers = a_token(app)
    assert client.post("/api/v1/callbacks", json=booking(app), headers=headers).status_code == 201
    a_text(client, "STOP", "SM1")
    here = context(app)
    Worker(here.engine, here.ring, here.gateways, here.clock, voices=here.voices).run_once()
    [row] = all_rows(app, OutboxMessage)
    assert (row.state, row.error) == ("failed", "opted_out")


def test_a_code_from_a_number_that_wants_no_texts_is_not_used_up(app, client, clock):
    headers = a_token(app)
    callback, code = a_started_call(app, client, clock, headers)
    a_text(client, "STOP", "SM1")
    assert not answered(a_text(client, code, "SM2"))
    found = client.get(f"/api/v1/callbacks/{callback}", headers=headers).json
    assert found["state"] == "started"
    verdict = client.post("/api/v1/checks", json={"phone": PHONE, "code": code}).json
    assert verdict["verdict"] == "genuine"


def test_what_needs_no_answer_is_done(app, client):
    headers = a_token(app)
    client.post("/api/v1/callbacks", json=booking(app), headers=headers)
    a_text(client, "STOP", "SM1")
    assert not answered(a_text(client, "SCAM", "SM2"))
    assert not answered(a_text(client, "REFUSE", "SM3"))
    assert sorted(row.kind for row in all_rows(app, Report)) == ["refused", "report"]
    assert [row.state for row in all_rows(app, Callback)] == ["refused"]


def test_a_report_that_the_customer_opted_out_is_kept_as_their_wish(app, client):
    """Nothing is sent over us by then, but the provider says so when it refuses."""
    form = {"MessageSid": "SM1", "MessageStatus": "failed", "ErrorCode": "21610", "To": PHONE}
    assert signed_post(client, "/twilio/status/message", form).status_code == 200
    assert len(all_rows(app, OptOut)) == 1
