"""Requests are read whole, with a deadline, before a thread of the application is taken.

Granian's WSGI interface takes a thread for the body too, so that a few clients who send slowly
hold them all. Here the event loop of its RSGI interface reads, within :data:`BODY_SECONDS`,
:data:`MAX_BODY_BYTES` and so many at a time from one network (of more, the oldest is ended). Then a
thread runs the application, and the server sends the answer on, however slowly it is read.
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
#: Bodies that are being read at a time: in all, and from one network.
MAX_BODIES = 2048
MAX_BODIES_PER_NETWORK = 64
#: Requests that wait for a thread, for each of them.
MAX_QUEUED_PER_THREAD = 128

TICK_SECONDS = 0.02
log = logging.getLogger(__name__)

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
WsgiApplication = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
Answer = tuple[int, Headers, bytes]
#: The deadlines of bodies that are arriving, the oldest first.
BodyDeadlines = dict[asyncio.Timeout, None]


class Scope(Protocol):
    """What the server says of a request (RSGI 1)."""

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
    """A request's body, and where its answer goes."""

    def __call__(self) -> Awaitable[bytes]:
        """The whole body."""

    def __aiter__(self) -> Any:
        """The body in pieces."""

    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None:
        """The whole answer."""


class RequestRefused(Exception):
    """A request that is not read to its end."""

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
    """A request that was read, and what waits for its answer to be given."""

    scope: Scope
    exchange: Exchange
    body: bytes
    answered: asyncio.Future[None]


class RequestReader:
    """A WSGI application as one of RSGI. ``hops`` is how many proxies before it name the client.

    A thread gives its answer to the server by itself. The loop hears of it with the next request
    or at the next tick, so that it is not woken twice for each.
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
            pass  # the client is gone before its request was whole

    async def _read_body(self, scope: Scope, exchange: Exchange) -> bytes:
        """Raises :class:`RequestRefused`."""
        length = scope.headers.get("content-length")
        if length is None and "transfer-encoding" not in scope.headers:
            return b""
        if length is not None and not (length.isascii() and length.isdigit()):
            raise RequestRefused(400, "Bad request.")
        if length is not None and int(length) > MAX_BODY_BYTES:
            raise RequestRefused(413, f"A request may have {MAX_BODY_BYTES:,} bytes at the most.")
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
        """End the request that has been arriving for longest: of this network where it has too
        many, of the busiest where all have. What comes at once, as a check does, outlives it."""
        if len(network) >= MAX_BODIES_PER_NETWORK:
            _end_oldest_body(network)
        elif self._arriving >= MAX_BODIES:
            _end_oldest_body(max(self._reading.values(), key=len))

    def _queue_for_thread(
        self, scope: Scope, exchange: Exchange, body: bytes
    ) -> asyncio.Future[None]:
        """To a thread. Raises :class:`RequestRefused`."""
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
        """End what the threads have answered."""
        while self._answered:
            job = self._answered.popleft()
            self._waiting -= 1
            if not job.answered.done():
                job.answered.set_result(None)

    def _run_web_thread(self) -> None:
        """What each thread does."""
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
        """The application's answer, as PEP 3333 has it."""
        begun: list[tuple[int, Headers]] = []
        written: list[bytes] = []

        def start_response(status: str, headers: Headers, _info: Any = None) -> Any:
            begun[:] = [(int(status[:3]), [(name.lower(), value) for name, value in headers])]
            return written.append

        found = self._application(
            build_wsgi_environ(scope, body, self._multiprocess), start_response
        )
        try:
            whole = b"".join([*written, *found])
        finally:
            if close := getattr(found, "close", None):
                close()
        status, headers = begun[0]
        return status, headers, whole


def _send_answer(exchange: Exchange, answer: Answer) -> None:
    """Answer, unless the client is gone."""
    with suppress(ProtocolClosed, ProtocolError):
        exchange.response_bytes(*answer)


def _end_oldest_body(network: BodyDeadlines) -> None:
    oldest = next(iter(network))
    del network[oldest]
    oldest.reschedule(0)


async def _read_chunked_body(exchange: Exchange) -> bytes:
    """A body of unknown length. Raises :class:`RequestRefused` for one that is too long."""
    found = bytearray()
    async for piece in exchange:
        found += piece
        if len(found) > MAX_BODY_BYTES:
            raise RequestRefused(413, f"A request may have {MAX_BODY_BYTES:,} bytes at the most.")
    return bytes(found)


def find_request_network(scope: Scope, hops: int) -> str:
    """The name of the network that a request comes from, behind ``hops`` proxies of ours."""
    said = split_forwarded_for(", ".join(scope.headers.get_all("x-forwarded-for"))) if hops else ()
    return find_client_network(scope.client, said, hops).near


def build_wsgi_environ(scope: Scope, body: bytes, multiprocess: bool) -> Environ:
    """The request as PEP 3333 has it. A header with an underscore is left out: an application could
    not tell it from that with a hyphen, which a proxy sets."""
    server, _, port = scope.server.rpartition(":")
    made: Environ = {
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
        made[key] = f"{made[key]},{value}" if key in made else value
    if body:
        made["CONTENT_LENGTH"] = str(len(body))
    return made
