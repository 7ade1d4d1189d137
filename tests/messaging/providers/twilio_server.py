"""A provider of texts on this machine that speaks Twilio's API, and does what a test asks of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

SENT_AT = "Tue, 24 Nov 2026 10:00:31 +0000"


class Provider(ThreadingHTTPServer):
    """``accepted`` is what it took; ``answers`` are a status and a code for the next requests,
    or ``"hang up"`` before, ``"accept and hang up"`` or ``"no json"`` after taking the text."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.accepted: list[dict[str, str]] = []
        self.answers: list[Any] = []
        self.asked: list[tuple[str, str, dict[str, str]]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def take(self, form: dict[str, str]) -> dict[str, str]:
        """A text, or a call, which has no body."""
        kind = "SM" if "Body" in form else "CA"
        sid = f"{kind}{len(self.accepted):032x}"
        shown = {"sid": sid, "to": form["To"], "date_created": SENT_AT}
        shown |= {"body": form["Body"]} if "Body" in form else {}
        self.accepted.append(shown)
        return shown


class _Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        form = {k: v[0] for k, v in parse_qs(self.rfile.read(length).decode()).items()}
        self._handle("POST", form, lambda: self.server.take(form))

    def do_GET(self) -> None:
        asked = {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
        found = [item for item in self.server.accepted if item["to"] == asked.get("To")]
        wanted = "messages" if "Messages" in self.path else "calls"
        found = [item for item in found if ("body" in item) == (wanted == "messages")]
        page = {wanted: found, "next_page_uri": None, "page": 0, "page_size": 200}
        self._handle("GET", asked, lambda: page)

    def _handle(self, method: str, asked: dict[str, str], act: Any) -> None:
        self.server.asked.append((method, urlsplit(self.path).path, asked))
        answer = self.server.answers.pop(0) if self.server.answers else None
        if isinstance(answer, tuple):
            self._answer(answer[0], {"status": answer[0], "code": answer[1], "message": "no"})
            return
        if answer != "hang up":
            shown = act()
        if answer == "no json":
            self._answer(200 if method == "GET" else 201, None)
        if answer is None:
            self._answer(201 if method == "POST" else 200, shown)

    def _answer(self, status: int, shown: dict[str, Any] | None) -> None:
        body = json.dumps(shown).encode() if shown else b"<html>"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def provider() -> Iterator[Provider]:
    """One that runs, for the length of the block."""
    made = Provider()
    thread = Thread(target=made.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.shutdown()
        made.server_close()
