"""Checkpoints leave the store: within a minute, once each, and again where a place failed."""

from __future__ import annotations

import smtplib
import ssl
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from sqlmodel import select

from vault import destinations
from vault.audit import audit_log, checkpoints
from vault.audit.checkpoint_job import (
    CheckpointJob,
    checkpoint_notification,
    describe_late_publications,
)
from vault.audit.models import AuditCheckpoint, AuditPublication
from vault.destinations import Destination, DestinationUnreachable, Mailer, Notification
from vault.errors import KeyUnavailable
from vault.keys import keyring

ORIGIN = "bank.example/vouchline"


class Box:
    """A place that keeps what it gets, and fails on request."""

    def __init__(self, every: timedelta = timedelta(0)) -> None:
        self.notes: list[str] = []
        self.broken = False
        self.place = Destination("box", every, self.send)

    def send(self, note: Notification) -> None:
        if self.broken:
            raise DestinationUnreachable("out of order")
        self.notes.append(note.body)


@pytest.fixture
def box() -> Box:
    return Box()


def work_for(store, clock, *at: Destination) -> CheckpointJob:
    return CheckpointJob(ORIGIN, at, store.engine, keyring.keyring_session_info(store.ring), clock)


def run(work: CheckpointJob) -> None:
    """What a worker does every few seconds."""
    work.run_safely()


def write(store, clock) -> None:
    with store.unit() as session:
        audit_log.record_act(session, audit_log.SYSTEM, "x.y", clock.now)


def test_each_checkpoint_reaches_a_place_once(store, clock, box):
    work = work_for(store, clock, box.place)
    for _ in range(3):
        write(store, clock)
        run(work)
        run(work)
        clock.now += timedelta(seconds=21)
    sizes = [int(note.split("\n")[1]) for note in box.notes]
    assert sizes == sorted(set(sizes))
    assert len(sizes) == 3
    run(work)
    assert len(box.notes) == 3


def test_an_entry_is_in_a_written_checkpoint_within_a_minute(store, clock, box):
    work = work_for(store, clock, box.place)
    run(work)
    write(store, clock)
    before = int(box.notes[-1].split("\n")[1])
    for _ in range(12):
        clock.now += timedelta(seconds=5)
        run(work)
    assert int(box.notes[-1].split("\n")[1]) > before


def test_a_place_that_failed_gets_the_newest_later_and_doctor_says_so(store, clock, box):
    work = work_for(store, clock, box.place)
    box.broken = True
    write(store, clock)
    run(work)
    with store.unit() as session:
        (said,) = describe_late_publications(session, [box.place])
    assert "have not reached box since the beginning: out of order." in said
    box.broken = False
    run(work)
    assert box.notes == []  # not at once again
    clock.now += timedelta(seconds=31)
    run(work)
    assert len(box.notes) == 1
    with store.unit() as session:
        assert describe_late_publications(session, [box.place]) == []


def test_one_place_that_hangs_or_fails_does_not_hold_up_signing(store, clock, box):
    box.broken = True
    other = Box()
    work = work_for(store, clock, box.place, Destination("other", timedelta(0), other.send))
    write(store, clock)
    run(work)
    assert len(other.notes) == 1
    assert len(store.all(select(AuditCheckpoint))) == 1


def test_a_slow_place_gets_one_in_its_time(store, clock):
    box = Box(timedelta(hours=1))
    work = work_for(store, clock, box.place)
    for _ in range(100):
        write(store, clock)
        run(work)
        clock.now += timedelta(minutes=1)
    assert len(box.notes) == 2


def test_a_file_keeps_all_and_says_when_it_cannot(tmp_path):
    path = tmp_path / "new" / "checkpoints"
    place = destinations.file_destination(path)
    place.send(Notification("a\n1\nx\n\n— a b\n"))
    place.send(Notification("a\n2\nx\n\n— a b\n"))
    assert path.read_text() == "a\n1\nx\n\n— a b\n\na\n2\nx\n\n— a b\n\n"
    with pytest.raises(DestinationUnreachable):
        destinations.file_destination(tmp_path).send(Notification("x"))


@pytest.fixture
def web() -> Iterator[tuple[str, list[bytes], list[int]]]:
    """A web server on loopback: its address, what it was sent, and the answers it will give."""
    got: list[bytes] = []
    answers: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(answers.pop(0) if answers else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/secret-path", got, answers
    server.shutdown()
    server.server_close()


def test_a_web_address_gets_the_note_and_its_secret_is_not_shown(web):
    address, got, answers = web
    place = destinations.http_destination(address)
    place.send(Notification("note — é\n"))
    assert got == ["note — é\n".encode()]
    assert "secret" not in place.name
    answers.append(500)
    with pytest.raises(DestinationUnreachable) as error:
        place.send(Notification("x"))
    assert "secret" not in str(error.value)
    with pytest.raises(DestinationUnreachable):
        destinations.http_destination("http://127.0.0.1:1/secret").send(Notification("x"))


def test_a_mailbox_gets_the_note_by_the_servers_rules(monkeypatch):
    sent = []

    class Server:
        def __init__(self, host: str, port: int, timeout: float) -> None:
            sent.append((host, port))

        def __enter__(self):
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def ehlo(self) -> None:
            pass

        def has_extn(self, name: str) -> bool:
            return name == "starttls"

        def starttls(self, context: ssl.SSLContext) -> None:
            sent.append("tls" if context.check_hostname else "unverified")

        def login(self, user: str, password: str) -> None:
            sent.append((user, password))

        def send_message(self, message) -> None:
            sent.append((message["To"], message["Subject"], message.get_content()))

    monkeypatch.setattr(smtplib, "SMTP", Server)
    mailer = Mailer("smtp://us%40bank:p%2Fw@mail.example:2525", "log@bank.example")
    place = destinations.mailbox_destination(mailer, "auditor@firm.example", timedelta(hours=1))
    place.send(checkpoint_notification("bank.example/log\n42\nroot=\n\n— x y\n"))
    assert sent == [
        ("mail.example", 2525),
        "tls",
        ("us@bank", "p/w"),
        (
            "auditor@firm.example",
            "Audit checkpoint 42 of bank.example/log",
            "bank.example/log\n42\nroot=\n\n— x y\n",
        ),
    ]


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_mail_server_out_of_reach_is_said(scheme):
    with pytest.raises(DestinationUnreachable):
        Mailer(f"{scheme}://127.0.0.1:1", "log@bank.example").send_mail("a@b", "s", "b")


def test_a_phone_gets_size_and_root_in_one_segment():
    got: list[str] = []
    place = destinations.phone_destination(
        "sms:••• ••56", lambda note: got.append(note.short), timedelta(days=1)
    )
    root = "x" * 43 + "="
    place.send(
        checkpoint_notification(f"check.bank.example/vouchline\n100000000\n{root}\n\n— x y\n")
    )
    assert got == [f"Audit checkpoint check.bank.example/vouchline 100000000 {root}"]
    assert len(got[0]) <= 160


def test_what_was_published_is_noted_by_place(store, clock, box):
    work = work_for(store, clock, box.place)
    write(store, clock)
    run(work)
    (row,) = store.all(select(AuditPublication))
    assert (row.place, row.failed_at, row.error) == ("box", None, "")


@pytest.mark.both
def test_the_workers_job_sets_it_to_work_and_does_not_wait(store, clock, box):
    held = threading.Event()

    def hang(note: Notification) -> None:
        box.send(note)
        held.wait(20)

    job = work_for(store, clock, Destination("slow", timedelta(0), hang))
    write(store, clock)
    with store.unit() as session:
        job(session, clock.now)
    with store.unit() as session:
        job(session, clock.now)  # still at the first
    held.set()
    job._last_run.result(20)
    assert len(box.notes) == 1


def test_a_store_out_of_reach_ends_no_worker(store, clock, box, monkeypatch):
    def gone(*_: object) -> None:
        raise KeyUnavailable("gone")

    monkeypatch.setattr(checkpoints, "create_checkpoint", gone)
    write(store, clock)
    run(work_for(store, clock, box.place))
    assert box.notes == []
