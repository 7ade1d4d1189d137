"""M2: nothing is believed but what the provider signed over our public address; nothing twice."""

from __future__ import annotations

import hashlib
import json
import os

import pytest
from sqlmodel import SQLModel
from twilio.request_validator import RequestValidator

from scheduling.models import Callback
from tests.channels.support import AUTH_TOKEN, PHONE, all_rows, signed_post, wrong
from tests.databases import opened
from tests.factories import a_call
from tests.security_rules.support.sealed_columns import model

BASE = "https://check.example.org"
pytestmark = pytest.mark.settings(public_url=BASE, twilio_auth_token=AUTH_TOKEN)
ELSEWHERE = ("http://check.example.org", "https://check.example.org:5000", "https://evil.example")
ELSEWHERE += ("http://localhost", "https://check.example.org/", "")


@pytest.fixture
def call(app, database, clock):
    """A call in progress with ``PHONE``."""
    return a_call(opened(database), clock.now, PHONE)


def webhooks(app) -> list[str]:
    """Every address that the provider may call, whatever is added later."""
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/twilio/")]
    assert len(rules) >= 6
    return sorted({rule.rule for rule in rules})


def form_for(code: str, sid: str = "") -> dict[str, str]:
    """Fields that mean something to every webhook: the right code of the call in progress."""
    sid = sid or os.urandom(16).hex()
    own = {"MessageSid": f"SM{sid}", "CallSid": f"CA{sid}", "From": PHONE, "To": "+442079460123"}
    return {**own, "Body": code, "Digits": code, "FromCountry": "GB", "NumMedia": "0"}


def state(app) -> dict[str, list[str]]:
    """Everything in the store."""
    tables = SQLModel.metadata.tables
    return {table: sorted(map(repr, all_rows(app, model(table)))) for table in tables}


def signature(path: str, form: dict[str, str], *, base: str = BASE, token: str = AUTH_TOKEN) -> str:
    return RequestValidator(token).compute_signature(f"{base}{path}", form)


def refused(app, answers) -> None:
    assert {answer.status_code for answer in answers} <= {400, 403, 404, 405, 413, 415}
    assert not any("enuine" in answer.text.lower() for answer in answers)


def test_a_signed_request_is_taken_on_every_webhook(app, client, call):
    for path in webhooks(app):
        answer = signed_post(client, path, form_for(call.code))
        assert answer.status_code == 200, path
    assert all_rows(app, Callback)[0].state == "confirmed"


def test_nothing_unsigned_or_signed_for_elsewhere_is_taken(app, client, call):
    before, form = state(app), form_for(call.code)
    answers = []
    for path in webhooks(app):
        signed = [signature(path, form, base=base) for base in ELSEWHERE]
        signed += [signature("/twilio/other", form), signature(path, form, token="another")]
        signed += [signature(path, form, token=""), signature(path, form)[:-2], "é", "A" * 9000]
        for item in signed:
            headers = {"X-Twilio-Signature": item}
            answers.append(client.post(path, data=form, headers=headers))
        answers += [client.post(path, data=form), client.post(path)]
    refused(app, answers)
    assert state(app) == before


def test_headers_do_not_change_the_address_that_must_be_signed(app, client, call):
    before, form, answers = state(app), form_for(call.code), []
    for path in webhooks(app):
        headers = {
            "X-Twilio-Signature": signature(path, form, base="http://evil.example"),
            "Host": "evil.example",
            "X-Forwarded-Host": "evil.example",
            "X-Forwarded-Proto": "http",
            "X-Forwarded-Port": "80",
            "X-Original-URL": f"http://evil.example{path}",
            "Forwarded": "host=evil.example;proto=http",
        }
        answers.append(client.post(path, data=form, headers=headers))
    refused(app, answers)
    assert state(app) == before
    good = {**headers, "X-Twilio-Signature": signature("/twilio/sms", form)}
    assert "GENUINE" in client.post("/twilio/sms", data=form, headers=good).text


def test_an_altered_added_or_removed_field_is_refused(app, client, call):
    before, form, answers = state(app), form_for(call.code), []
    changed = [
        {**form, "From": "+447400123499"},
        {**form, "Body": wrong(call.code)},
        {**form, "More": "1"},
        {**form, "": "1"},
        {k: v for k, v in form.items() if k != "NumMedia"},
        {},
    ]
    for path in webhooks(app):
        given = {"X-Twilio-Signature": signature(path, form)}
        answers += [client.post(path, data=item, headers=given) for item in changed]
        for tail in ("?a=1", "?bodySHA256=", "/", "?at=x", "%3Fa", "?Body=1"):
            answers.append(client.post(path + tail, data=form, headers=given))
    refused(app, answers)
    assert state(app) == before


def test_other_bodies_and_other_methods_are_refused(app, client, call):
    before, form, answers = state(app), form_for(call.code), []
    raw = json.dumps(form).encode()
    digest = hashlib.sha256(raw).hexdigest()
    for path in webhooks(app):
        for tail in ("", f"?bodySHA256={digest}", f"?bodySHA256={digest}&bodySHA256=x"):
            given = {"X-Twilio-Signature": signature(path + tail, {})}
            for kind in ("application/json", "text/plain", "application/octet-stream", "", "x"):
                answers.append(client.post(path + tail, data=raw, headers=given, content_type=kind))
            answers.append(client.post(path + tail, data={**form, "f": (None, "x")}, headers=given))
        given = {"X-Twilio-Signature": signature(path, form)}
        answers.append(client.post(path, data={**form, "Body": "x" * 300_000}, headers=given))
        answers.append(client.get(path, query_string=form, headers=given))
        for method in ("PUT", "PATCH", "DELETE", "HEAD"):
            answers.append(client.open(path, method=method, data=form, headers=given))
    refused(app, answers)
    assert state(app) == before


@pytest.mark.parametrize("value", ["\x00", "\ud7ff" * 500, "x" * 40_000, "", "😀", "%00", "'"])
def test_no_signed_field_however_odd_ends_in_an_error(app, client, call, value):
    for path in webhooks(app):
        for name in form_for(""):
            form = {**form_for(wrong(call.code)), name: value}
            answer = signed_post(client, path, form)
            assert answer.status_code in (200, 413), (path, name)
            assert "GENUINE" not in answer.text


@pytest.mark.settings(public_url=BASE, twilio_auth_token="")
def test_without_a_token_nothing_is_taken_since_anybody_can_sign_with_none(app, client, call):
    before, form = state(app), form_for(call.code)
    paths = webhooks(app)
    refused(app, [signed_post(client, path, form, token="") for path in paths])
    assert state(app) == before
