"""The limit of the load generator, measured against a server that answers without parsing."""

from __future__ import annotations

import select
import socket
from multiprocessing import get_context
from multiprocessing.connection import Connection

from bench import load, request_mix
from bench.request_mix import Numbers

SECONDS = 2.0
_ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n{"verdict":"not_confirmed"}'


def measure(lines: int) -> float:
    """Return checks per second over ``lines`` connections, with one core for each side."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=_serve, args=(theirs,), daemon=True)
    server.start()
    theirs.close()  # so that a dead server is detected
    try:
        asked = request_mix.requests(
            Numbers([], request_mix.strangers()), {"nobody": 100}, 60_000, 1
        )
        return load.run(load.Job(ours.recv(), asked, lines, SECONDS)).per_second
    finally:
        server.terminate()
        server.join()


def _serve(told: Connection) -> None:
    """Send the port, then answer all requests forever."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=256)
    told.send(listening.getsockname()[1])
    poll, lines = select.epoll(), {}
    poll.register(listening, select.EPOLLIN)
    while True:
        for number, _ in poll.poll():
            if number == listening.fileno():
                line = listening.accept()[0]
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                lines[line.fileno()] = line
                poll.register(line, select.EPOLLIN)
            elif lines[number].recv(65536):
                lines[number].send(_ANSWER)
            else:
                lines.pop(number).close()
