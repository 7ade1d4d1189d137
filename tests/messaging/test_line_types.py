"""Landlines: learned once, not texted again, and asked about beforehand where that is wanted."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote, urlsplit

import pytest
from sqlmodel import select

from messaging import line_types, outbox
from messaging.dispatch.worker import Worker
from messaging.models import OutboxMessage
from messaging.outbox import NewMessage
from messaging.providers.base import Rejected, Unavailable
from messaging.providers.twilio.sms import TwilioSmsProvider
from messaging.sending_limits import SendingLimits
from tests import factories
from tests.security_rules.support.crash_helpers import Post
from tests.servers import free_port

NOW = datetime(2026, 11, 24, 10, 0, 30, tzinfo=UTC)
LANDLINE = "+442079460000"


class Sending:
    """A worker, its provider, and texts to one number."""

    def __init__(self, store, folder, **rules) -> None:
        self.store, self.now, self.post = store, NOW, Post(folder / "post")
        self.works = Worker(
            store.engine, store.ring, [self.post], lambda: self.now, rules=SendingLimits(**rules)
        )

    def text(self, phone: str = LANDLINE) -> tuple[str, str | None]:
        with self.store.unit() as session:
            who = factories.a_customer(session, self.now)
            until = self.now + timedelta(hours=1)
            draft = NewMessage(who.id, "booked", phone, "hello", self.now, until)
            row = outbox.queue_message(session, draft, self.now)
        self.works.run_once()
        [found] = self.store.all(select(OutboxMessage).where(OutboxMessage.id == row))
        return found.state, found.error


@pytest.mark.both
def test_a_landline_is_learned_from_its_refusal_and_forgotten_after_a_while(store, tmp_path):
    sending = Sending(store, tmp_path)
    sending.post.stumbles = [Rejected("landline")]
    assert sending.text() == ("failed", "landline")
    assert sending.text() == ("failed", "landline")
    assert sending.post.asked == ["send"]
    assert sending.text("+442079460001") == ("sent", None)
    sending.now += line_types.VALID_FOR
    assert sending.text() == ("sent", None)


@pytest.mark.both
def test_nobody_is_asked_unless_that_is_wanted(store, tmp_path):
    sending = Sending(store, tmp_path)
    sending.text()
    assert sending.post.asked == ["send"]


@pytest.mark.both
def test_where_it_is_wanted_the_provider_is_asked_once_and_no_text_is_wasted(store, tmp_path):
    sending = Sending(store, tmp_path, line_type_lookup=True)
    sending.post.kinds = {LANDLINE: "landline"}
    assert sending.text() == ("failed", "landline")
    assert sending.text() == ("failed", "landline")
    assert sending.post.asked == ["line_kind"]
    mobile = "+447400123456"
    assert sending.text(mobile) == sending.text(mobile) == ("sent", None)
    assert sending.post.asked == ["line_kind", "line_kind", "send", "send"]


@pytest.mark.both
def test_a_provider_that_cannot_say_keeps_no_text_back(store, tmp_path, monkeypatch):
    sending = Sending(store, tmp_path, line_type_lookup=True)

    def cannot(phone):
        raise Unavailable

    monkeypatch.setattr(sending.post, "look_up_line_type", cannot)
    assert sending.text() == ("sent", None)


KINDS = {"+447400123456": {"type": "mobile"}, LANDLINE: {"type": "landline"}}


class Lookups(BaseHTTPRequestHandler):
    """Answers Twilio's look-ups by :data:`KINDS`."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        number = unquote(urlsplit(self.path).path.rsplit("/", 1)[1])
        found = {"phone_number": number, "line_type_intelligence": KINDS.get(number)}
        body = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def lookup():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Lookups)
    server.daemon_threads, server.asked = True, []
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server, server.asked
    server.shutdown()
    server.server_close()


def test_twilio_is_asked_for_the_line_type_alone(lookup):
    server, asked = lookup
    address = f"http://127.0.0.1:{server.server_port}"
    gateway = TwilioSmsProvider("ACx", "t", from_number="+1", api_base=address)
    assert gateway.look_up_line_type("+447400123456") == "mobile"
    assert gateway.look_up_line_type(LANDLINE) == "landline"
    assert gateway.look_up_line_type("+447400999999") == "unknown"
    assert all("/v2/PhoneNumbers/" in path for path in asked)
    assert all(path.endswith("?Fields=line_type_intelligence") for path in asked)


def test_twilio_out_of_reach_cannot_say():
    gateway = TwilioSmsProvider(
        "ACx", "t", from_number="+1", api_base=f"http://127.0.0.1:{free_port()}"
    )
    with pytest.raises(Unavailable):
        gateway.look_up_line_type(LANDLINE)
