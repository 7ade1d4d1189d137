"""The load generator: prebuilt requests over persistent connections, in a separate process.

It uses raw sockets and one ``epoll``, to leave the two cores to the server. Each run reports its
share of a core.
"""

from __future__ import annotations

import random
import re
import select
import socket
import time
from collections import Counter, deque
from dataclasses import dataclass, field

_LENGTH = re.compile(rb"[cC]ontent-[lL]ength: (\d+)")
_FOREVER = 30.0


@dataclass(frozen=True)
class Job:
    """``lines`` connections to ``port`` that send ``requests`` until ``seconds`` have passed.

    The run also ends when all are sent. ``per_second`` paces them at random (Poisson); ``None`` is
    full load.
    """

    port: int
    requests: list[bytes]
    lines: int
    seconds: float
    per_second: float | None = None


@dataclass(frozen=True)
class Outcome:
    """The results of a run.

    ``milliseconds`` of each answered check, ``answers`` by verdict (or by status if it is not 200),
    and the generator's share of one core.
    """

    seconds: float
    milliseconds: list[float]
    answers: Counter[str]
    core_share: float

    @property
    def per_second(self) -> float:
        return len(self.milliseconds) / self.seconds


@dataclass
class _Line:
    """One connection; ``since`` is when its current check was due, in seconds."""

    socket: socket.socket
    since: float = 0.0
    got: bytes = b""


@dataclass
class _Run:
    job: Job
    lines: dict[int, _Line] = field(default_factory=dict)
    idle: list[_Line] = field(default_factory=list)
    waiting: deque[float] = field(default_factory=deque)
    milliseconds: list[float] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    sent: int = 0


def run(job: Job) -> Outcome:
    """Run the job. Raise ``RuntimeError`` if the server stops answering or closes a connection."""
    state = _Run(job)
    poll = select.epoll()
    for _ in range(job.lines):
        line = _Line(socket.create_connection(("127.0.0.1", job.port)))
        line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        state.lines[line.socket.fileno()] = line
        state.idle.append(line)
        poll.register(line.socket.fileno(), select.EPOLLIN)
    cpu, start = time.process_time(), time.perf_counter()
    _turn(state, poll, start)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    for line in state.lines.values():
        line.socket.close()
    poll.close()
    return Outcome(seconds, state.milliseconds, state.answers, cpu / seconds)


def _turn(state: _Run, poll: select.epoll, start: float) -> None:
    """Send due requests and receive responses until all are sent and answered."""
    job, end, due = state.job, start + state.job.seconds, start
    pace = random.Random(7)
    while True:
        now = time.perf_counter()
        more = state.sent + len(state.waiting) < len(job.requests) and now < end
        if job.per_second is None:
            while more and state.idle:
                _send(state, state.idle.pop(), now)
                more = state.sent < len(job.requests)
        else:
            while more and due <= now:
                state.waiting.append(due)
                due += pace.expovariate(job.per_second)
            while state.waiting and state.idle:
                _send(state, state.idle.pop(), state.waiting.popleft())
        if not more and len(state.idle) == job.lines:
            return
        rest = due - now if more and job.per_second is not None else _FOREVER
        if not select.select([poll.fileno()], [], [], max(0.0, rest))[0]:  # microsecond timeout
            if rest == _FOREVER:
                raise RuntimeError("the server has fallen silent")
            continue
        for number, _ in poll.poll(0):
            _receive(state, state.lines[number])


def _send(state: _Run, line: _Line, since: float) -> None:
    line.since, line.got = since, b""
    line.socket.send(state.job.requests[state.sent])
    state.sent += 1


def _receive(state: _Run, line: _Line) -> None:
    data = line.socket.recv(65536)
    if not data:
        raise RuntimeError("the server hung up")
    line.got = got = line.got + data
    end = got.find(b"\r\n\r\n") + 4
    length = _LENGTH.search(got, 0, end) if end > 3 else None
    if length is None or len(got) < end + int(length[1]):
        return
    state.milliseconds.append((time.perf_counter() - line.since) * 1e3)
    status = got[9:12].decode()
    state.answers[got[end:].split(b'"', 4)[3].decode() if status == "200" else status] += 1
    state.idle.append(line)
