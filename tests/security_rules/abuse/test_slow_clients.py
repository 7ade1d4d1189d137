"""Slow clients take nothing from those who check: a request is read whole, with deadlines, before a
thread of the application is taken, on the server alone and behind the nginx of the docs."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from config import request_reader
from tests.forked_flask import ForkedFlask, run_flask
from tests.servers import free_port

ROOT = Path(__file__).resolve().parents[3]
MANY = "1000000/minute"
CHECK = json.dumps({"phone": "+447400999123", "code": "123456"}).encode()
HEAD = b"POST /api/v1/checks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
WHOLE = HEAD + b"Content-Length: %d\r\n\r\n" % len(CHECK) + CHECK
FORM = b"POST /check HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"


@contextmanager
def server(folder: Path, **more: str) -> Iterator[tuple[int, ForkedFlask]]:
    """The production server on a fresh store; its port and process."""
    port = free_port()
    given = {
        "INSTANCE": str(folder / "instance"),
        "PORT": str(port),
        "CHECK_LIMIT_PER_NETWORK": MANY,
        "CHECK_LIMIT_PER_NUMBER": MANY,
        **more,
    }
    env = {**os.environ, **{f"VOUCHLINE_{name}": value for name, value in given.items()}}
    assert run_flask("db", "upgrade", env=env).returncode == 0
    process = ForkedFlask(("serve",), env)
    try:
        until(lambda: answers(port), 60)
        yield port, process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait()


def until(so: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)


def answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as line:
        line.settimeout(5)
        line.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return line.recv(100).startswith(b"HTTP/1.1 200")
    return False


def status(line: socket.socket, seconds: float = 20) -> int:
    """The status of what comes; 0 where the connection is closed without one."""
    line.settimeout(seconds)
    try:
        found = re.match(rb"HTTP/1\.1 (\d+)", line.recv(4096))
    except ConnectionError:
        return 0
    return int(found[1]) if found else 0


class Slow:
    """Connections that dribble: each in a way of its own, a byte at a time."""

    WAYS = ("headers", "body", "chunked", "idle", "reading", "after")

    def __init__(self, port: int, count: int) -> None:
        self.lines = [self._begun(port, self.WAYS[n % len(self.WAYS)]) for n in range(count)]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._dribble, daemon=True)

    def _begun(self, port: int, way: str) -> tuple[socket.socket, bytes]:
        line = socket.socket()
        if way == "reading":
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        line.settimeout(10)
        line.connect(("127.0.0.1", port))
        begin, more = {
            "headers": (b"GET / HTTP/1.1\r\nHost: x\r\n", b"X-A: b\r\n"),
            "body": (FORM + b"Content-Length: 6000\r\n\r\nphone=", b"1"),
            "chunked": (FORM + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
            "idle": (b"", b""),
            "reading": (b"GET /static/vouchline.css HTTP/1.1\r\nHost: x\r\n\r\n", b""),
            "after": (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b""),
        }[way]
        line.sendall(begin)
        line.settimeout(0)
        return line, more

    def _dribble(self) -> None:
        while not self._over.wait(1):
            for line, more in self.lines:
                with suppress(OSError):
                    line.send(more)

    def __enter__(self) -> Slow:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        for line, _more in self.lines:
            line.close()


def checks(port: int, count: int) -> list[float]:
    """Seconds of each of so many checks in a row, over one connection; each is answered."""
    taken = []
    with socket.create_connection(("127.0.0.1", port), 10) as line:
        line.settimeout(10)
        for _ in range(count):
            since = time.perf_counter()
            line.sendall(WHOLE)
            got = line.recv(4096)
            taken.append(time.perf_counter() - since)
            assert got.startswith(b"HTTP/1.1 200"), got[:200]
            assert b"not_confirmed" in got
    return taken


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with server(tmp_path_factory.mktemp("slow")) as (port, _process):
        yield port


@pytest.mark.parametrize("way", ["body", "chunked"])
def test_slow_bodies_take_no_thread(way, running):
    """Was red on c916469: eight were enough."""
    lines = [
        Slow.__new__(Slow)._begun(running, way)
        for _ in range(request_reader.MAX_BODIES_PER_NETWORK - 4)
    ]
    assert max(checks(running, 20)) < 5
    for line, _more in lines:
        line.close()


def test_a_body_has_a_deadline_and_one_network_so_many_at_a_time(running):
    """Was red on c916469."""
    lines = [
        Slow.__new__(Slow)._begun(running, "body")[0]
        for _ in range(request_reader.MAX_BODIES_PER_NETWORK + 6)
    ]
    since = time.monotonic()
    found = [status(line) for line in lines[:6]]  # ended for those that came after
    early = time.monotonic() - since
    found += [status(line) for line in lines[6:]]
    assert time.monotonic() - since < request_reader.BODY_SECONDS + 8
    assert early < request_reader.BODY_SECONDS
    assert set(found) == {408}
    for line in lines:
        line.close()
    assert len(checks(running, 3)) == 3


def test_a_head_has_a_deadline_and_so_has_an_idle_connection(running):
    lines = [Slow.__new__(Slow)._begun(running, way)[0] for way in ("headers", "idle", "after")]
    for line in lines:
        line.settimeout(20)
        while line.recv(4096):
            pass
        line.close()


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        (b"Content-Length: 70000\r\n\r\n", 413),
        (b"Content-Length: 99999999999999999999\r\n\r\n", 0),
        (b"Transfer-Encoding: chunked\r\n\r\n" + b"2000\r\n" + b"x" * 0x2000 + b"\r\n", 413),
        (b"X: " + b"a" * 600_000 + b"\r\n\r\n", 0),
    ],
)
def test_what_is_too_long_is_refused_before_it_is_read(more, wanted, running):
    with socket.create_connection(("127.0.0.1", running), 10) as line:
        line.sendall(FORM)
        with suppress(OSError):
            line.sendall(more)
            for _ in range(10 * more.startswith(b"Transfer")):
                line.sendall(more[more.index(b"2000") :])
        found = status(line)
    assert found == wanted or (not wanted and found in (0, 400, 413, 431))


def test_a_stop_is_over_in_time_with_half_requests_open(tmp_path):
    with server(tmp_path) as (port, process):
        lines = [Slow.__new__(Slow)._begun(port, way)[0] for way in Slow.WAYS * 5]
        since = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.wait(25)
        assert time.monotonic() - since < 20
        for line in lines:
            line.close()


@pytest.mark.campaign
def test_500_slow_clients_leave_checks_nine_tenths_of_their_speed(tmp_path):
    """Alternating, so that what else the machine does weighs on both. Was red on c916469."""
    with server(tmp_path, TRUSTED_PROXIES="0") as (port, _process):
        checks(port, 100)
        alone, beside = [], []
        for _ in range(3):
            alone += checks(port, 150)
            with Slow(port, 500):
                time.sleep(1)
                beside += checks(port, 150)
        share = statistics.median(alone) / statistics.median(beside)
        assert share >= 0.9, f"checks go on at {share:.2f} of their speed"


# --- Behind nginx ------------------------------------------------------------------------


def documented() -> str:
    """The configuration of ``docs/operators/production.md``."""
    page = (ROOT / "docs/operators/production.md").read_text()
    found = re.search(r"```nginx\n(.*?)```", page, re.DOTALL)
    assert found, "docs/operators/production.md shows no nginx configuration"
    return "\n".join(line.strip() for line in found[1].splitlines())


@contextmanager
def nginx(folder: Path, port: int) -> Iterator[int]:
    """Debian's nginx before our server as documented, without TLS; its port."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("no nginx here: apt-get install nginx-light")
    outer = free_port()
    told = documented().replace("listen 443 ssl;", f"listen 127.0.0.1:{outer};")
    told = told.replace("127.0.0.1:5000", f"127.0.0.1:{port}")
    kept = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if os.geteuid() == 0 else ""
    file = folder / "nginx.conf"
    file.write_text(
        f"daemon off;\n{user}pid {folder}/pid;\nerror_log {folder}/error.log;\n"
        f"events {{ worker_connections 2048; }}\nhttp {{\naccess_log off;\n{kept}{told}\n}}\n"
    )
    command = [program, "-c", str(file), "-e", str(folder / "error.log")]
    process = subprocess.Popen(command)
    try:
        until(lambda: answers(outer), 20)
        yield outer
    finally:
        process.terminate()
        process.wait(10)


def test_the_documented_nginx_keeps_slow_clients_from_the_server(tmp_path):
    """It reads bodies whole, ends what is slow, and takes so many connections of a network."""
    with server(tmp_path, TRUSTED_PROXIES="1") as (port, _process), nginx(tmp_path, port) as outer:
        lines = [Slow.__new__(Slow)._begun(outer, "body")[0] for _ in range(20)]
        assert max(checks(outer, 20)) < 5
        since = time.monotonic()
        assert {status(line, 30) for line in lines} <= {0, 408}
        assert time.monotonic() - since < 20
        many = [Slow.__new__(Slow)._begun(outer, "body")[0] for _ in range(120)]
        time.sleep(1)
        refused = sum(status(line, 1) == 503 for line in reversed(many[-40:]))
        assert refused >= 20
        with socket.create_connection(("127.0.0.1", outer), 10) as line:
            line.sendall(FORM + b"Content-Length: 70000\r\n\r\n")
            assert status(line) in (413, 503)
        for line in (*lines, *many):
            line.close()
