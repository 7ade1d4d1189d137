"""What somebody can do to us who knows nothing but phone numbers: forms, texts and calls from
forged numbers; and what leaves meanwhile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from channels.app_context import AppContext
from channels.texts.handler import handle_text
from channels.texts.text_job import ReceivedText
from messaging import models
from messaging.dispatch import delivery_outcomes, leases
from storage.session import transaction
from tests.channels.support import AUTH_TOKEN, signed_post
from vault.keys import keyring

SETTINGS: dict[str, Any] = {
    "public_url": "https://check.example.org",
    "twilio_auth_token": AUTH_TOKEN,
    "trusted_proxies": 1,
}
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass(frozen=True)
class Left:
    """A message that left: when, of what kind, how and to where."""

    at: datetime
    kind: str
    medium: str
    to: str


@dataclass
class Outside:
    """Everybody outside: strangers on as many networks as they like, and customers' phones."""

    app: Flask
    clock: Any
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    left: list[Left] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._client: FlaskClient = self.app.test_client()
        self._token = _TOKEN.search(self._client.get("/my").text)[1]  # type: ignore[index]

    @property
    def context(self) -> AppContext:
        found: AppContext = self.app.extensions["vouchline"]
        return found

    def unit(self) -> Any:
        return transaction(
            self.context.engine, info=keyring.keyring_session_info(self.context.ring)
        )

    def form(self, path: str, **form: str) -> Any:
        """A form of the own page, from a network of its own each time."""
        network = next(self.numbers)
        address = f"10.{network >> 16 & 255}.{network >> 8 & 255}.{network & 255}"
        return self._client.post(
            path,
            data={"csrf_token": self._token, **form},
            headers={"X-Forwarded-For": address},
        )

    def asks_page_number(self, phone: str, medium: str = "text") -> str:
        answer = self.form("/my/number", phone=phone, medium=medium)
        assert answer.status_code == 200, answer.status_code
        return str(_TOKEN.sub("", answer.text).replace(phone, "PHONE"))

    def tries_page_number(self, phone: str, number: str) -> int:
        return int(self.form("/my/prove", phone=phone, number=number).status_code)

    def texts(self, phone: str, body: str) -> str | None:
        """A text that says it comes from ``phone``, and our answer to it."""
        here = self.context
        with self.unit() as session:
            text = ReceivedText(f"SM{next(self.numbers)}", phone, body)
            return handle_text(session, text, here.policy, here.rules, self.clock.now)

    def rings_and_asks(self, phone: str) -> None:
        """A call to the official line that says it comes from ``phone`` and asks for its calls."""
        form = {"CallSid": f"CA{next(self.numbers)}", "From": phone, "To": "+442079460123"}
        answer = signed_post(
            self._client, "/twilio/voice/code", {**form, "FromCountry": "GB", "Digits": "0"}
        )
        assert answer.status_code == 200

    def works(self, most: int = 50) -> list[Left]:
        """One round of a worker: what leaves."""
        now, gone = self.clock.now, []
        with self.unit() as session:
            for message in leases.lease_messages(session, now, "post", self.context.rules, most):
                delivery_outcomes.mark_sent(session, message, f"SM{message.id.hex}", now)
                row = models.OutboxMessage
                kind = session.get_one(row, message.id).kind
                gone.append(Left(now, kind, message.letter.medium, message.letter.to))
        self.left += gone
        return gone

    def waits(self, **length: float) -> None:
        self.clock.now += timedelta(**length)
