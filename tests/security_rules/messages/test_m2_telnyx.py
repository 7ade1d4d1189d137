"""M2, for Telnyx: nothing is believed but what it signed lately; nothing twice."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import SQLModel
from telnyx.lib.webhook_verification import WebhookVerificationError, verify_webhook_signature

from channels.telnyx.signature import TOLERANCE, is_signature_valid
from messaging.models import InboundText
from scheduling.models import Callback
from tests.channels.support import all_rows, wrong
from tests.channels.telnyx import fixtures
from tests.channels.telnyx.support import (
    OTHER_KEY,
    PATH,
    PHONE,
    PUBLIC_KEY,
    a_received_text,
    a_report,
    headers_for,
    signed_event,
)
from tests.databases import opened
from tests.factories import a_call
from tests.processes import at_once
from tests.security_rules.support.check_channels import of_its_own
from tests.security_rules.support.sealed_columns import model

AT_ONCE = 8
app, client, telnyx = fixtures.app, fixtures.client, fixtures.telnyx
SIGNATURE, TIMESTAMP = "telnyx-signature-ed25519", "telnyx-timestamp"


@pytest.fixture
def call(app, database, clock):
    """A call in progress with ``PHONE``."""
    return a_call(opened(database), clock.now, PHONE)


def state(app) -> dict[str, list[str]]:
    """Everything in the store."""
    tables = SQLModel.metadata.tables
    return {table: sorted(map(repr, all_rows(app, model(table)))) for table in tables}


def forged(raw: bytes, now) -> dict[str, dict[str, str]]:
    """Headers that fit ``raw`` in all but one thing."""
    good = headers_for(raw, now)
    late = now - TOLERANCE - timedelta(seconds=1)
    early = now + TOLERANCE + timedelta(seconds=1)
    signature = good[SIGNATURE]
    other = str(int(good[TIMESTAMP]) - 1)
    return {
        "wrong key": headers_for(raw, now, OTHER_KEY),
        "old": headers_for(raw, late),
        "of the future": headers_for(raw, early),
        "old, with a fresh timestamp": {**headers_for(raw, late), TIMESTAMP: good[TIMESTAMP]},
        "another timestamp": {**good, TIMESTAMP: other},
        "another body": headers_for(raw + b" ", now),
        "no signature": {key: value for key, value in good.items() if key != SIGNATURE},
        "no timestamp": {key: value for key, value in good.items() if key != TIMESTAMP},
        "cut": {**good, SIGNATURE: signature[:-4]},
        "zeros": {**good, SIGNATURE: base64.b64encode(bytes(64)).decode()},
        "no base64": {**good, SIGNATURE: "é" * 88},
        "long": {**good, SIGNATURE: "A" * 9000},
        "spaces": {**good, SIGNATURE: f" {signature} x"},
        "timestamp of other digits": headers_for(raw, now, timestamp="١٢٣"),
        "negative": headers_for(raw, now, timestamp=f"-{good[TIMESTAMP]}"),
        "fraction": headers_for(raw, now, timestamp=f"{good[TIMESTAMP]}.0"),
        "no number": headers_for(raw, now, timestamp="now"),
        "huge": headers_for(raw, now, timestamp="9" * 400),
        "a form": {**good, "Content-Type": "application/x-www-form-urlencoded"},
        "plain": {**good, "Content-Type": "text/plain"},
    }


def test_a_signed_text_is_taken(app, client, call, clock, telnyx):
    assert signed_event(client, a_received_text(call.code), clock.now).status_code == 200
    assert all_rows(app, Callback)[0].state == "confirmed"
    assert "GENUINE" in telnyx.accepted[0]["text"]


@pytest.mark.parametrize("event", [a_received_text, partial(a_report, status="delivered")])
def test_nothing_forged_old_or_altered_is_taken(app, client, call, clock, telnyx, event):
    raw = json.dumps(event("4ee8c3a6-4995-4309-a3c6-38e3db9ea4be")).encode()
    if event is a_received_text:
        raw = json.dumps(a_received_text(call.code)).encode()
    before = state(app)
    for name, headers in forged(raw, clock.now).items():
        sendable = {k: v.encode("utf-8").decode("latin-1") for k, v in headers.items()}
        answer = client.post(PATH, data=raw, headers=sendable)
        assert answer.status_code == 403, name
    assert state(app) == before
    assert telnyx.accepted == []


def test_an_altered_body_does_not_fit_a_signature_that_was_overheard(
    app,
    client,
    call,
    clock,
    telnyx,
):
    event = a_received_text(wrong(call.code))
    raw = json.dumps(event).encode()
    headers = headers_for(raw, clock.now)
    before = state(app)
    event["data"]["payload"]["text"] = call.code
    altered = [json.dumps(event).encode(), raw.replace(b'": ', b'":'), raw + b"\n", b"", b"|" + raw]
    for body in altered:
        assert client.post(PATH, data=body, headers=headers).status_code == 403
    moved = headers_for(b"1|" + raw, clock.now)  # the border between timestamp and body
    moved[TIMESTAMP] = f"{moved[TIMESTAMP]}|1"
    assert client.post(PATH, data=raw, headers=moved).status_code == 403
    assert state(app) == before
    assert telnyx.accepted == []


def test_a_replay_changes_nothing_and_is_answered_once(app, client, call, clock, telnyx):
    raw = json.dumps(a_received_text(wrong(call.code))).encode()
    headers = headers_for(raw, clock.now)
    assert client.post(PATH, data=raw, headers=headers).status_code == 200
    before = state(app)
    for _ in range(3):
        clock.now += timedelta(seconds=60)
        assert client.post(PATH, data=raw, headers=headers).status_code == 200
    assert state(app) == before
    clock.now += timedelta(minutes=5)
    assert client.post(PATH, data=raw, headers=headers).status_code == 403
    assert len(telnyx.accepted) == 1


@pytest.mark.both
def test_a_text_delivered_at_once_many_times_is_one_try(app, call, clock, telnyx):
    event = a_received_text(wrong(call.code))
    act = partial(_delivered, app, event, clock.now)
    assert at_once([act] * AT_ONCE, of_its_own(app)) == [200] * AT_ONCE
    assert len(all_rows(app, InboundText)) == 1
    assert len(telnyx.accepted) == 1


def _delivered(app, event, now) -> int:
    return signed_event(app.test_client(), event, now).status_code


def test_without_a_key_nothing_is_taken(database, tmp_path, clock, telnyx):
    from app import create_app

    without = fixtures.telnyx_settings(telnyx, database, tmp_path, sms="", telnyx_public_key="")
    made = create_app(without, now=clock)
    event = a_received_text("CHECK")
    assert signed_event(made.test_client(), event, clock.now).status_code == 403
    assert all_rows(made, InboundText) == []


@pytest.mark.parametrize("body", [b"{}", b"", "é😀".encode(), b'{"a": 1}\n'])
def test_we_believe_what_telnyx_itself_believes_and_no_more(body, clock, monkeypatch):
    """Beside the verification in Telnyx's own client library."""
    monkeypatch.setattr("time.time", clock.now.timestamp)
    cases = {"good": headers_for(body, clock.now), **forged(body, clock.now)}
    for name, headers in cases.items():
        try:
            verify_webhook_signature(body, headers, PUBLIC_KEY)
            theirs = True
        except WebhookVerificationError:
            theirs = False
        ours = is_signature_valid(
            body, headers.get(SIGNATURE, ""), headers.get(TIMESTAMP, ""), [PUBLIC_KEY], clock.now
        )
        assert ours <= theirs, name
        if name in ("good", "wrong key", "old", "of the future", "another body"):
            assert ours == theirs == (name == "good"), name


@given(data=st.data(), body=st.binary(max_size=60))
@settings(max_examples=200, deadline=None)
def test_one_bit_changed_anywhere_is_refused(data, body):
    now = datetime(2026, 11, 24, 10, tzinfo=UTC)
    headers = headers_for(body, now)
    parts = [body, base64.b64decode(headers[SIGNATURE]), headers[TIMESTAMP].encode()]
    which = data.draw(st.sampled_from([n for n, part in enumerate(parts) if part]))
    bit = data.draw(st.integers(0, len(parts[which]) * 8 - 1))
    changed = bytearray(parts[which])
    changed[bit // 8] ^= 1 << bit % 8
    parts[which] = bytes(changed)
    signature, timestamp = base64.b64encode(parts[1]).decode(), parts[2].decode("latin-1")
    assert not is_signature_valid(parts[0], signature, timestamp, [PUBLIC_KEY], now)


@pytest.mark.parametrize(
    "key", ["", "x", "é", PUBLIC_KEY[:-4], base64.b64encode(bytes(31)).decode()]
)
def test_a_key_that_is_none_verifies_nothing(key, clock):
    headers = headers_for(b"{}", clock.now)
    signed = headers[SIGNATURE], headers[TIMESTAMP]
    assert not is_signature_valid(b"{}", *signed, [key], clock.now)
    assert is_signature_valid(b"{}", *signed, [key, PUBLIC_KEY], clock.now)
