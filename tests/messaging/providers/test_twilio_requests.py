"""Every request to Twilio satisfies its published description, and calls are found and ended."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import pytest

from messaging.providers.base import OutboundMessage, Unavailable
from messaging.providers.twilio.sms import TwilioSmsProvider
from messaging.providers.twilio.voice import TwilioVoiceProvider
from messaging.providers.voice_base import OutboundCall
from tests.messaging.providers.twilio_description import problems
from tests.servers import free_port

NOW = datetime(2026, 11, 24, 10, 0, 30, tzinfo=UTC)
ACCOUNT, SERVICE = "AC" + "0" * 32, "MG" + "0" * 32
CALL = "CA" + "1" * 32
AGENT, OFFICE = "+447400123401", "+442079460123"
MADE = {"sid": CALL, "to": AGENT, "date_created": "Tue, 24 Nov 2026 10:00:31 +0000"}


class Strict(BaseHTTPRequestHandler):
    """Takes down what is wrong with each request, and answers as Twilio does."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._note("POST", parse_qsl(body, keep_blank_values=True))
        status = self.server.statuses.pop(0) if self.server.statuses else 201
        self._answer(status, MADE if status < 400 else {"code": 20404, "message": "no"})

    def do_GET(self) -> None:
        self._note("GET", parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        self._answer(200, self._page())

    def _page(self) -> dict[str, object]:
        if "/PhoneNumbers/" in self.path:
            return {"line_type_intelligence": {"type": "mobile"}}
        calls = [{**MADE, **call} for call in self.server.calls]
        rows = {"calls": calls} if "/Calls" in self.path else {"messages": []}
        return {**rows, "next_page_uri": None, "page": 0, "page_size": 50}

    def _note(self, method: str, given: list[tuple[str, str]]) -> None:
        self.server.asked.append((method, urlsplit(self.path).path))
        self.server.wrong += problems(method, urlsplit(self.path).path, given)

    def _answer(self, status: int, shown: dict[str, object]) -> None:
        body = json.dumps(shown).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def there():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Strict)
    server.daemon_threads = True
    server.asked, server.wrong, server.statuses, server.calls = [], [], [], [{}]
    server.address = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def a_line(address: str) -> TwilioVoiceProvider:
    base = "https://check.example.org"
    return TwilioVoiceProvider(ACCOUNT, "t", from_number=OFFICE, base_url=base, api_base=address)


def a_letter(body: str, lives: timedelta) -> OutboundMessage:
    return OutboundMessage(uuid4(), "+447400123456", body, NOW, NOW + lives)


@pytest.mark.parametrize("sender", [{"from_number": OFFICE}, {"messaging_service_sid": SERVICE}])
@pytest.mark.parametrize("lives", [timedelta(0), timedelta(seconds=1), timedelta(days=30)])
def test_texts_satisfy_the_description(there, sender, lives):
    told = "https://check.example.org/twilio/status/message"
    gateway = TwilioSmsProvider(
        ACCOUNT, "t", api_base=there.address, status_callback=told, **sender
    )
    for body in ("hello", "ж" * 1600, "a & b = c\n+%00😀"):
        gateway.send_message(a_letter(body, lives), NOW)
        gateway.find_message(a_letter(body, lives))
    gateway.look_up_line_type("+447400123456")
    assert there.wrong == []
    assert {path.rsplit("/", 1)[1] for _, path in there.asked} >= {"Messages.json"}


def test_calls_satisfy_the_description(there):
    line = a_line(there.address)
    ring = OutboundCall(uuid4(), AGENT, NOW)
    assert line.place_call(ring) == line.find_placed_call(ring) == CALL
    line.hang_up(CALL)
    assert there.wrong == []
    assert [method for method, _ in there.asked] == ["POST", "GET", "POST"]


def test_the_description_refuses_what_is_wrong():
    texts = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    good = [("To", AGENT), ("From", OFFICE), ("Body", "x")]
    assert problems("POST", texts, good) == []
    for bad in (
        good[1:],
        good[:1] + good[2:],
        good[:2],
        [*good, ("ValidityPeriod", "0")],
        [*good, ("ValidityPeriod", "36001")],
        [*good, ("StatusCallBack", "https://x")],
        [*good, ("Body", "x" * 1601)],
    ):
        assert problems("POST", texts, bad)
    assert problems("DELETE", texts, [])


@pytest.mark.parametrize(
    ("calls", "found"),
    [
        ([], None),
        ([{"date_created": "Tue, 24 Nov 2026 09:50:00 +0000"}], None),
        ([{"sid": "CA" + "2" * 32}], None),
        ([{"sid": "CA" + "2" * 32}, {}], CALL),
    ],
)
def test_a_call_is_found_by_number_and_time_and_not_taken_for_another(there, calls, found):
    there.calls = calls
    ring = OutboundCall(uuid4(), AGENT, NOW, frozenset({"CA" + "2" * 32}))
    assert a_line(there.address).find_placed_call(ring) == found


@pytest.mark.parametrize("status", [404, 400])
def test_a_call_that_is_over_needs_no_hanging_up(there, status):
    there.statuses = [status]
    a_line(there.address).hang_up(CALL)


def test_what_could_not_be_hung_up_is_said(there):
    there.statuses = [500]
    with pytest.raises(Unavailable):
        a_line(there.address).hang_up(CALL)
    nobody = a_line(f"http://127.0.0.1:{free_port()}")
    for act in (
        lambda: nobody.hang_up(CALL),
        lambda: nobody.find_placed_call(OutboundCall(uuid4(), AGENT, NOW)),
    ):
        with pytest.raises(Unavailable):
            act()
