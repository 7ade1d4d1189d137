"""Reads whole requests, with a deadline, before a thread of the application handles them.

Granian's WSGI interface occupies a thread while the body arrives, so a few slow clients could
occupy all threads. Here the event loop of its RSGI interface reads the body, within
:data:`BODY_SECONDS`, up to :data:`MAX_BODY_BYTES`, and a limited number at a time from one network
(beyond it, the oldest is ended). Then a thread runs the application, and the server sends the
response, however slowly the client reads it.
"""

from __future__ import annotations

import asyncio
import io
import logging
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import Any, Protocol

from granian.rsgi import ProtocolClosed, ProtocolError

from config.ip_addresses import find_client_network, split_forwarded_for

BODY_SECONDS = 10.0
MAX_BODY_BYTES = 64 * 1024
#: The most bodies that are read at a time: in total, and from one network.
MAX_BODIES = 2048
MAX_BODIES_PER_NETWORK = 64
#: The most requests that wait for a thread, per thread.
MAX_QUEUED_PER_THREAD = 128

TICK_SECONDS = 0.02
log = logging.getLogger(__name__)

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
WsgiApplication = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
Answer = tuple[int, Headers, bytes]
#: The deadlines of arriving bodies, the oldest first.
BodyDeadlines = dict[asyncio.Timeout, None]


class Scope(Protocol):
    """The server's data about a request (RSGI 1)."""

    proto: str
    http_version: str
    server: str
    client: str
    scheme: str
    method: str
    path: str
    query_string: str
    headers: Any


class Exchange(Protocol):
    """The body of a request, and where its response goes."""

    def __call__(self) -> Awaitable[bytes]:
        """Return the whole body."""

    def __aiter__(self) -> Any:
        """Iterate over the pieces of the body."""

    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None:
        """Send the whole response."""


class RequestRefused(Exception):
    """A request that is refused before it is read completely."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.answer: Answer = (
            status,
            [
                ("content-type", "text/plain; charset=utf-8"),
                ("connection", "close"),
                *([("retry-after", "5")] if status == 503 else []),
            ],
            f"{words}\n".encode(),
        )


@dataclass(frozen=True)
class _PendingRequest:
    """A request that was read, and the future that completes when it is answered."""

    scope: Scope
    exchange: Exchange
    body: bytes
    answered: asyncio.Future[None]


class RequestReader:
    """Serves a WSGI application over RSGI. ``hops`` is the number of proxies that add the client's
    address.

    A thread sends its response to the server itself. The event loop notices at the next request or
    tick, so that it does not wake up twice per request.
    """

    def __init__(
        self, application: WsgiApplication, *, threads: int, processes: int, hops: int
    ) -> None:
        self._application, self._hops = application, hops
        self._multiprocess = processes > 1
        self._most_waiting = threads * MAX_QUEUED_PER_THREAD
        self._reading: dict[str, BodyDeadlines] = {}
        self._arriving = 0
        self._jobs = SimpleQueue[_PendingRequest]()
        self._answered, self._waiting, self._ticking = deque[_PendingRequest](), 0, False
        for n in range(threads):
            Thread(target=self._run_web_thread, name=f"web-{n}", daemon=True).start()

    async def __rsgi__(self, scope: Scope, exchange: Exchange) -> None:
        """Answer one request."""
        self._settle_answered()
        try:
            body = await self._read_body(scope, exchange)
            await self._queue_for_thread(scope, exchange, body)
        except RequestRefused as refused:
            _send_answer(exchange, refused.answer)
        except (ProtocolClosed, ProtocolError):
            pass  # the client disconnected before its request was complete

    async def _read_body(self, scope: Scope, exchange: Exchange) -> bytes:
        """Read the body. Raises :class:`RequestRefused`."""
        length = scope.headers.get("content-length")
        if length is None and "transfer-encoding" not in scope.headers:
            return b""
        if length is not None and not (length.isascii() and length.isdigit()):
            raise RequestRefused(400, "Bad request.")
        if length is not None and int(length) > MAX_BODY_BYTES:
            raise RequestRefused(413, f"A request may have {MAX_BODY_BYTES:,} bytes at most.")
        deadline = asyncio.timeout(BODY_SECONDS)
        name = find_request_network(scope, self._hops)
        network = self._reading.setdefault(name, {})
        try:
            async with deadline:
                self._make_room(network)
                network[deadline] = None
                self._arriving += 1
                return await (exchange() if length is not None else _read_chunked_body(exchange))
        except TimeoutError:
            raise RequestRefused(408, "The request took too long to arrive.") from None
        finally:
            self._arriving -= 1
            network.pop(deadline, None)
            if not network:
                self._reading.pop(name, None)

    def _make_room(self, network: BodyDeadlines) -> None:
        """End the body that has been arriving for the longest time: of this network at its limit,
        of the busiest one at the total limit. A body that arrives at once, as that of a check, is
        not affected."""
        if len(network) >= MAX_BODIES_PER_NETWORK:
            _end_oldest_body(network)
        elif self._arriving >= MAX_BODIES:
            _end_oldest_body(max(self._reading.values(), key=len))

    def _queue_for_thread(
        self, scope: Scope, exchange: Exchange, body: bytes
    ) -> asyncio.Future[None]:
        """Queue a request for a thread. Raises :class:`RequestRefused` if the queue is full."""
        if self._waiting >= self._most_waiting:
            raise RequestRefused(503, "Too many requests at a time. Try again in a moment.")
        loop = asyncio.get_running_loop()
        job = _PendingRequest(scope, exchange, body, loop.create_future())
        self._waiting += 1
        self._jobs.put(job)
        if not self._ticking:
            self._ticking = True
            loop.call_later(TICK_SECONDS, self._settle_on_tick, loop)
        return job.answered

    def _settle_on_tick(self, loop: asyncio.AbstractEventLoop) -> None:
        self._settle_answered()
        self._ticking = self._waiting > 0
        if self._ticking:
            loop.call_later(TICK_SECONDS, self._settle_on_tick, loop)

    def _settle_answered(self) -> None:
        """Complete the requests that the threads have answered."""
        while self._answered:
            job = self._answered.popleft()
            self._waiting -= 1
            if not job.answered.done():
                job.answered.set_result(None)

    def _run_web_thread(self) -> None:
        """Run in each thread: answer requests from the queue."""
        while True:
            job = self._jobs.get()
            try:
                answer = self._call_application(job.scope, job.body)
            except Exception:
                log.exception("request failed")
                answer = RequestRefused(500, "Something is out of order here.").answer
            _send_answer(job.exchange, answer)
            self._answered.append(job)

    def _call_application(self, scope: Scope, body: bytes) -> Answer:
        """Return the application's response (PEP 3333)."""
        started: list[tuple[int, Headers]] = []
        written: list[bytes] = []

        def start_response(status: str, headers: Headers, _info: Any = None) -> Any:
            started[:] = [(int(status[:3]), [(name.lower(), value) for name, value in headers])]
            return written.append

        chunks = self._application(
            build_wsgi_environ(scope, body, self._multiprocess), start_response
        )
        try:
            whole = b"".join([*written, *chunks])
        finally:
            if close := getattr(chunks, "close", None):
                close()
        status, headers = started[0]
        return status, headers, whole


def _send_answer(exchange: Exchange, answer: Answer) -> None:
    """Send a response, unless the client has disconnected."""
    with suppress(ProtocolClosed, ProtocolError):
        exchange.response_bytes(*answer)


def _end_oldest_body(network: BodyDeadlines) -> None:
    oldest = next(iter(network))
    del network[oldest]
    oldest.reschedule(0)


async def _read_chunked_body(exchange: Exchange) -> bytes:
    """Read a body of unknown length. Raises :class:`RequestRefused` if it is too long."""
    body = bytearray()
    async for piece in exchange:
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise RequestRefused(413, f"A request may have {MAX_BODY_BYTES:,} bytes at most.")
    return bytes(body)


def find_request_network(scope: Scope, hops: int) -> str:
    """Return the name of a request's network, behind ``hops`` trusted proxies."""
    entries = (
        split_forwarded_for(", ".join(scope.headers.get_all("x-forwarded-for"))) if hops else ()
    )
    return find_client_network(scope.client, entries, hops).near


def build_wsgi_environ(scope: Scope, body: bytes, multiprocess: bool) -> Environ:
    """Return the environ of a request (PEP 3333). Headers with an underscore are dropped: an
    application could not distinguish them from those with a hyphen, which a proxy sets."""
    server, _, port = scope.server.rpartition(":")
    environ: Environ = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode("utf-8", "surrogateescape").decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": server,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": multiprocess,
        "wsgi.run_once": False,
    }
    for name, value in scope.headers.items():
        if "_" in name or name == "transfer-encoding":
            continue
        key = name.upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    if body:
        environ["CONTENT_LENGTH"] = str(len(body))
    return environ
