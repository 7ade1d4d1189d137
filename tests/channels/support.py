"""What the tests of the channels share: people made through the domain, requests made by HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session
from twilio.request_validator import RequestValidator

from channels.app_context import AppContext
from people.staff import api_tokens, staff_records
from storage.session import transaction
from vault.keys import keyring

PHONE = "+447400123456"
OTHER_PHONE = "+447400123457"
AUTH_TOKEN = "twilio-test-token"


def context(app: Flask) -> AppContext:
    return app.extensions["vouchline"]


def unit(app: Flask):
    here = context(app)
    return transaction(here.engine, info=keyring.keyring_session_info(here.ring))


def a_token(app: Flask, role: str = "agent", email: str = "ana@example.org") -> dict[str, str]:
    """Request headers with a bearer token of a member of staff, added if need be."""
    now = context(app).clock()
    with unit(app) as session:
        member = staff_records.find_staff_by_email(
            session, email
        ) or staff_records.add_staff_member(
            session, email, "Ana Silva", role, now, timezone="Europe/London"
        )
        return {
            "Authorization": f"Bearer {api_tokens.create_api_token(session, member, 'test', now)}"
        }


def booking(app: Flask, minutes_ahead: int = 10, **more: Any) -> dict[str, Any]:
    """The body of a booking."""
    moment = context(app).clock().replace(second=0, microsecond=0)
    return {
        "customer": {"phone": PHONE, "name": "Gwen Jones"},
        "starts_at": (moment + timedelta(minutes=minutes_ahead)).isoformat(),
        "minutes": 15,
        "topic": "your router",
        "ticket": "T-1001",
        **more,
    }


def a_started_call(
    app: Flask, client: FlaskClient, clock: Any, headers: dict[str, str]
) -> tuple[str, str]:
    """Book by API, go into the window, press Start: the callback's id and its code."""
    made = client.post("/api/v1/callbacks", json=booking(app), headers=headers)
    assert made.status_code == 201, made.text
    callback = made.json["id"]
    clock.now += timedelta(minutes=10)
    started = client.post(f"/api/v1/callbacks/{callback}/start", headers=headers)
    assert started.status_code == 200, started.text
    return callback, started.json["code"]


def wrong(code: str) -> str:
    """A code that is surely not this one."""
    return f"{(int(code) + 1) % 10 ** len(code):0{len(code)}d}"


def a_text(
    client: FlaskClient,
    body: str,
    sid: str,
    *,
    sender: str = PHONE,
    base: str = "https://check.example.org",
    token: str = AUTH_TOKEN,
    **more: str,
) -> Any:
    """A text as Twilio hands it over, signed over the public address."""
    form = {"MessageSid": sid, "From": sender, "To": "+442079460123", "Body": body, **more}
    return signed_post(client, "/twilio/sms", form, base=base, token=token)


def signed_post(
    client: FlaskClient,
    path: str,
    form: dict[str, str],
    *,
    base: str = "https://check.example.org",
    token: str = AUTH_TOKEN,
) -> Any:
    """A webhook as Twilio sends it."""
    signature = RequestValidator(token).compute_signature(f"{base}{path}", form)
    return client.post(path, data=form, headers={"X-Twilio-Signature": signature})


def all_rows(app: Flask, table: Any) -> list[Any]:
    from sqlmodel import select

    with unit(app) as session:
        found: Session = session
        return list(found.exec(select(table)))
