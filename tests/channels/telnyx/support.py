"""Webhooks as Telnyx sends them: its documented examples, signed by another library than ours."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any
from uuid import uuid4

from flask.testing import FlaskClient
from nacl.signing import SigningKey

PATH = "/telnyx/messages"
KEY, OTHER_KEY = SigningKey(b"k" * 32), SigningKey(b"o" * 32)
PUBLIC_KEY = base64.b64encode(bytes(KEY.verify_key)).decode()
OFFICE = "+442079460123"
PHONE = "+447400123456"


def a_received_text(body: Any, provider_id: str = "", sender: Any = PHONE, **more: Any) -> dict:
    """The event of a customer's text; ``more`` replaces parts of its payload."""
    payload = {
        "cc": [],
        "completed_at": None,
        "cost": None,
        "direction": "inbound",
        "encoding": "GSM-7",
        "errors": [],
        "from": {"carrier": "T-Mobile USA", "line_type": "long_code", "phone_number": sender},
        "id": provider_id or str(uuid4()),
        "media": [],
        "messaging_profile_id": "83d2343b-553f-4c5d-b8c8-fd27004f94bf",
        "organization_id": "9d76d591-1b7d-405d-8c64-1320ee070245",
        "parts": 1,
        "received_at": "2026-11-24T10:02:30.000+00:00",
        "record_type": "message",
        "sent_at": None,
        "subject": "",
        "tags": [],
        "text": body,
        "to": [
            {
                "carrier": "TELNYX LLC",
                "line_type": "long_code",
                "phone_number": OFFICE,
                "status": "webhook_delivered",
            }
        ],
        "type": "SMS",
        "valid_until": None,
        "webhook_failover_url": None,
        "webhook_url": f"https://check.example.org{PATH}",
    }
    return an_event("message.received", payload | more)


def a_report(provider_id: str, status: str, *errors: dict[str, str], **more: Any) -> dict:
    """The event of a text of ours that got on, or to its end."""
    payload = {
        "direction": "outbound",
        "errors": list(errors),
        "from": {"phone_number": OFFICE},
        "id": provider_id,
        "record_type": "message",
        "text": "a text of ours",
        "to": [{"carrier": "T-MOBILE", "phone_number": PHONE, "status": status}],
        "type": "SMS",
    }
    kind = "message.sent" if status in ("queued", "sending", "sent") else "message.finalized"
    return an_event(kind, payload | more)


def an_event(kind: str, payload: Any) -> dict:
    return {
        "data": {
            "event_type": kind,
            "id": str(uuid4()),
            "occurred_at": "2026-11-24T10:02:30.000+00:00",
            "payload": payload,
            "record_type": "event",
        },
        "meta": {"attempt": 1, "delivered_to": f"https://check.example.org{PATH}"},
    }


def headers_for(
    raw: bytes, at: datetime, key: SigningKey = KEY, timestamp: str = ""
) -> dict[str, str]:
    """The headers of a signed webhook."""
    timestamp = timestamp or str(int(at.timestamp()))
    signature = key.sign(timestamp.encode() + b"|" + raw).signature
    return {
        "telnyx-signature-ed25519": base64.b64encode(signature).decode(),
        "telnyx-timestamp": timestamp,
        "Content-Type": "application/json",
    }


def signed_event(client: FlaskClient, event: Any, at: datetime, key: SigningKey = KEY) -> Any:
    """Send an event as Telnyx does."""
    raw = json.dumps(event).encode()
    return client.post(PATH, data=raw, headers=headers_for(raw, at, key))
