"""A server on this machine that answers as Telnyx's API (v2) does, by its documented examples."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4

from telnyx.types import MessageSendParams, number_lookup_retrieve_params

API_KEY = "KEY0123456789ABCDEF_secret"
SENT_AT = datetime(2026, 11, 24, 10, 0, 31, tzinfo=UTC)
#: What Telnyx's own client may send, from its description of the API.
KNOWN_FIELDS = {
    *(
        name
        for name in MessageSendParams.__annotations__
        if name not in ("from_", "idempotency_key")
    ),
    "from",
}
KNOWN_LOOKUPS = set(number_lookup_retrieve_params.NumberLookupRetrieveParams.__annotations__)
STOP = {
    "code": "40300",
    "title": "Blocked due to STOP message",
    "detail": "Messages cannot be sent from '+1' to '+2' due to an existing block rule.",
}


def an_error(code: str, title: str = "Refused") -> dict[str, Any]:
    """An error as the API words it."""
    return {"errors": [{"code": code, "title": title, "detail": "See the documentation."}]}


class TelnyxServer(ThreadingHTTPServer):
    """``accepted`` are the texts it took; ``answers`` are for the next requests: a status
    with a body and perhaps headers; ``"hang up"`` before or ``"accept and hang up"`` after taking
    the text; ``"no json"`` and ``"no id"`` likewise after; ``"stall"`` until the test ends."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.accepted: list[dict[str, Any]] = []
        self.answers: list[Any] = []
        self.asked: list[tuple[str, str, Any]] = []
        self.wrong: list[str] = []
        self.line_types: dict[str, str] = {}
        self.listed = True  # whether detail records show what was sent
        self.ended = Event()
        self._by_key: dict[str, tuple[bytes, dict[str, Any]]] = {}
        self._lock = Lock()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def take(self, key: str, raw: bytes) -> tuple[int, Any]:
        """A text; one that has this key already is answered with the first one's answer."""
        with self._lock:
            if key in self._by_key:
                first, shown = self._by_key[key]
                return (200, {"data": shown}) if first == raw else (422, an_error("10015"))
            body = json.loads(raw)
            shown = {
                "record_type": "message",
                "direction": "outbound",
                "id": str(uuid4()),
                "type": "SMS",
                "from": {"phone_number": body.get("from"), "carrier": "", "line_type": ""},
                "to": [{"phone_number": body["to"], "status": "queued", "carrier": "x"}],
                "text": body["text"],
                "encoding": "GSM-7" if body["encoding"] == "gsm7" else "UCS-2",
                "tags": [],
                "errors": [],
                "valid_until": None,
            }
            self.accepted.append(shown)
            self._by_key[key] = (raw, shown)
            return 200, {"data": shown}

    def records(self, query: dict[str, str]) -> tuple[int, Any]:
        """Detail records: no body of a text is in them."""
        needed = {"filter[record_type]": "messaging", "filter[direction]": "outbound"}
        if not needed.items() <= query.items():
            return 400, an_error("10015")
        found = [
            {
                "record_type": "message_detail_record",
                "uuid": text["id"],
                "cld": text["to"][0]["phone_number"],
                "created_at": SENT_AT.isoformat().replace("+00:00", "Z"),
                "status": "delivered",
            }
            for text in reversed(self.accepted)
            if self.listed and text["to"][0]["phone_number"] == query.get("filter[cld]")
        ]
        return 200, {"data": found, "meta": {"page_number": 1, "total_results": len(found)}}

    def show(self, provider_id: str) -> tuple[int, Any]:
        found = [text for text in self.accepted if text["id"] == provider_id]
        return (200, {"data": found[0]}) if found else (404, an_error("10005"))

    def look_up(self, phone: str) -> tuple[int, Any]:
        if phone not in self.line_types:
            return 404, an_error("10005")
        carrier = {"error_code": None, "name": "Telnyx/4", "type": self.line_types[phone]}
        return 200, {"data": {"phone_number": phone, "carrier": carrier}}


class _Handler(BaseHTTPRequestHandler):
    server: TelnyxServer

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        body = json.loads(raw)
        self._check("/v2/messages", set(body) - KNOWN_FIELDS)
        key = self.headers.get("Idempotency-Key", "")
        self._handle("POST", body, lambda: self.server.take(key, raw))

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {key: value[0] for key, value in parse_qs(parts.query).items()}
        last = unquote(parts.path.rsplit("/", 1)[1])
        if parts.path == "/v2/detail_records":
            self._handle("GET", query, lambda: self.server.records(query))
        elif parts.path.startswith("/v2/number_lookup/"):
            self._check(parts.path, set(query) - KNOWN_LOOKUPS)
            self._handle("GET", query, lambda: self.server.look_up(last))
        else:
            self._check(f"/v2/messages/{last}", set(query))
            self._handle("GET", query, lambda: self.server.show(last))

    def _check(self, path: str, unknown: set[str]) -> None:
        if urlsplit(self.path).path != path or unknown:
            self.server.wrong.append(f"{self.path} {sorted(unknown)}")

    def _handle(self, method: str, asked: Any, act: Any) -> None:
        self.server.asked.append((method, urlsplit(self.path).path, asked))
        if self.headers.get("Authorization") != f"Bearer {API_KEY}":
            self._answer(401, an_error("10009", "Authentication failed"))
            return
        answer = self.server.answers.pop(0) if self.server.answers else None
        if answer == "hang up":
            return
        if isinstance(answer, tuple):
            self._answer(*answer)
            return
        status, shown = act()
        if answer == "stall":
            self.server.ended.wait(20)
        elif answer == "no json":
            self._answer(status, None)
        elif answer == "no id":
            self._answer(status, {"data": {"id": "x"}})
        elif answer is None:
            self._answer(status, shown)

    def _answer(self, status: int, shown: Any, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(shown).encode() if shown is not None else b"<html>"
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def telnyx_server() -> Iterator[TelnyxServer]:
    """One that runs, for the length of the block."""
    made = TelnyxServer()
    thread = Thread(target=made.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.ended.set()
        made.shutdown()
        made.server_close()
