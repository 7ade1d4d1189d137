"""New cases are alerted: each once, whatever crashes, and nothing of one that names an
investigator."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from uuid import UUID

import pytest
from sqlmodel import col, select
from standardwebhooks import Webhook, WebhookVerificationError

from channels.startup import destinations_from_settings as places_of
from incidents.alerts import delivery_queue, job
from incidents.alerts.job import AlertDeliveryJob
from incidents.alerts.models import AlertDelivery, CaseAlert
from incidents.cases.creation import open_or_extend_case
from incidents.cases.models import Case, CaseKind
from messaging import report_texts, segments
from tests import databases, factories
from tests.processes import at_once
from tests.security_rules.support.crash_helpers import Fuse, Post, until_killed
from vault import destinations
from vault.destinations import Destination, DestinationUnreachable, Notification
from vault.keys import keyring
from vault.models import AuditEntry

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
VOICE = factories.a_policy().message_context_for()
SECRET = "whsec_" + "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


class Box:
    """A place that keeps what it gets, and fails on request."""

    def __init__(self, name: str = "box") -> None:
        self.notes: list[Notification] = []
        self.broken = False
        self.place = Destination(name, timedelta(0), self.send)

    def send(self, note: Notification) -> None:
        if self.broken:
            raise DestinationUnreachable("out of order")
        self.notes.append(note)


@pytest.fixture
def box() -> Box:
    return Box()


def at_work(store, clock, *at: Destination) -> AlertDeliveryJob:
    return AlertDeliveryJob(
        at, VOICE, store.engine, keyring.keyring_session_info(store.ring), clock
    )


def a_case(store, fold: str, kind: CaseKind = CaseKind.CALLS, now=NOW, **more) -> str:
    with store.unit() as session:
        return open_or_extend_case(session, kind, fold, [], now, **more).reference


def test_each_case_is_told_once_and_what_follows_soon_is_told_together(store, clock, box):
    work = at_work(store, clock, box.place)
    first = a_case(store, "a")
    work.run_safely()
    rest = [a_case(store, item) for item in "bc"]
    work.run_safely()
    assert [first in note.short for note in box.notes] == [True]
    clock.now += delivery_queue.BATCH_INTERVAL
    work.run_safely()
    work.run_safely()
    assert len(box.notes) == 2
    assert all(item in box.notes[1].body for item in rest)
    assert first not in box.notes[1].body
    assert "2 new cases" in box.notes[1].subject
    told = store.all(select(AuditEntry).where(col(AuditEntry.action) == "case.alert"))
    assert sorted(item.purpose for item in told) == sorted([first, *rest])


def test_an_alert_holds_reference_and_kind_and_fits_a_text(store, clock, box):
    with store.unit() as session:
        ana = factories.an_agent(session, NOW)
    for n in range(40):
        a_case(store, str(n), list(CaseKind)[n % len(CaseKind)], subjects=[ana.id])
    at_work(store, clock, box.place).run_safely()
    (note,) = box.notes
    assert segments.count_segments(note.short) == 1
    assert "40 new cases" in note.short
    assert "Ana" not in note.body + note.data
    assert str(ana.id) not in note.body + note.data
    assert len(json.loads(note.data)["data"]["cases"]) == 40


def test_of_a_case_that_names_an_investigator_nothing_is_told(store, clock, box):
    with store.unit() as session:
        ines = factories.an_agent(session, NOW, role="investigator").id
    reference = a_case(store, "a", CaseKind.ACCESS, subjects=[ines])
    at_work(store, clock, box.place).run_safely()
    (note,) = box.notes
    assert reference not in note.body + note.data + note.short
    assert "reading" not in note.body
    assert json.loads(note.data)["data"] == {"count": 1, "cases": []}


def test_a_place_that_fails_is_tried_again_and_holds_up_no_other(store, clock, box):
    other = Box("other")
    box.broken = True
    a_case(store, "a")
    work = at_work(store, clock, box.place, other.place)
    work.run_safely()
    assert len(other.notes) == 1
    with store.unit() as session:
        (said,) = delivery_queue.describe_failed_alerts(session, [box.place])
    assert said == "Alerts of new cases do not reach box: out of order."
    box.broken = False
    clock.now += timedelta(minutes=1)
    work.run_safely()
    assert len(box.notes) == len(other.notes) == 1
    assert box.notes[0].again
    assert box.notes[0].id == other.notes[0].id
    with store.unit() as session:
        assert delivery_queue.describe_failed_alerts(session, [box.place]) == []


def test_a_place_that_never_works_is_given_up(store, clock, box):
    box.broken = True
    a_case(store, "a")
    work = at_work(store, clock, box.place)
    for _ in range(4):
        work.run_safely()
        clock.now += timedelta(days=1)
    (row,) = store.all(select(AlertDelivery))
    assert row.settled_at is not None
    assert row.error == "out of order"


def test_without_places_nothing_is_kept_back_for_later(store, clock, box):
    a_case(store, "a")
    at_work(store, clock).run_safely()
    clock.now += timedelta(hours=1)
    at_work(store, clock, box.place).run_safely()
    assert box.notes == []


@pytest.mark.both
def test_many_workers_at_once_tell_each_case_once(store, tmp_path):
    told = tmp_path / "told"
    for item in "abc":
        a_case(store, item)

    def work() -> None:
        mine = databases.opened(store.url, wait_seconds=60)
        kept = destinations.file_destination(told)
        AlertDeliveryJob(
            [kept], VOICE, mine.engine, keyring.keyring_session_info(mine.ring), lambda: NOW
        ).run_safely()

    at_once([work] * 6, lambda: store.engine.dispose(close=False))
    assert told.read_text().count("3 new cases") == 1
    assert len(store.all(select(CaseAlert))) == 1


@pytest.mark.both
def test_killed_at_any_act_each_case_is_told_and_by_text_once(store, tmp_path):
    """The provider is asked before a second try, so that a text leaves once."""
    now, deaths = NOW, 0
    for acts in range(0, 80, 3):
        a_case(store, f"f{acts}", now=now)
        post = tmp_path / f"post-{acts}"

        def work(mine, fuse: Fuse, post=post, now=now) -> None:
            _texting(mine, Post(post, act=fuse), now).run_safely()

        killed = until_killed(store.url, acts, work)
        deaths += killed
        now += delivery_queue.LEASE + timedelta(seconds=1)
        _texting(store, Post(post), now).run_safely()
        taken = Post(post).taken()
        assert len(taken) == 1, (acts, taken)
        now += delivery_queue.BATCH_INTERVAL
        if not killed:
            break
    assert deaths >= 4
    assert not killed
    assert store.all(select(Case).where(col(Case.alerted_at).is_(None))) == []


def _texting(store, post: Post, now: datetime) -> AlertDeliveryJob:
    settings = databases.settings(store.url, post.path.parent, alerts_to=("sms:+447400123456",))
    at = places_of.alert_destinations(settings, post, lambda: now)
    return AlertDeliveryJob(
        at, VOICE, store.engine, keyring.keyring_session_info(store.ring), lambda: now
    )


def test_a_webhook_is_signed_as_the_specification_has_it():
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((body, dict(self.headers)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    taken = delivery_queue.LeasedAlert(
        UUID(int=7), "x", 1, datetime.now(UTC).replace(microsecond=0), [["C2345678", "calls"]]
    )
    destinations.webhook_destination(f"http://127.0.0.1:{server.server_port}/secret", SECRET).send(
        job.build_alert_notification(taken, VOICE)
    )
    server.shutdown()
    server.server_close()
    (body, headers) = got[0]
    told = Webhook(SECRET).verify(body, headers)
    assert told["type"] == "cases.opened"
    assert told["data"] == {"count": 1, "cases": [{"reference": "C2345678", "kind": "calls"}]}
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body.replace(b"calls", b"wave!"), headers)


@pytest.mark.parametrize(
    ("to", "more", "problem"),
    [
        ("https://x.example/y", {}, "VOUCHLINE_ALERTS_SECRET"),
        ("https://x.example/y", {"alerts_secret": "whsec_"}, "VOUCHLINE_ALERTS_SECRET"),
        ("https://x.example/y", {"alerts_secret": "whsec_é"}, "VOUCHLINE_ALERTS_SECRET"),
        ("mailto:a@b", {}, "VOUCHLINE_SMTP_URL"),
        ("sms:1", {}, "phone number"),
        ("ftp:x", {}, "Write places"),
    ],
)
def test_a_place_that_is_none_is_said(tmp_path, to, more, problem):
    settings = databases.settings("sqlite://", tmp_path, alerts_to=(to,), **more)
    with pytest.raises(places_of.InvalidDestination, match=problem):
        places_of.alert_destinations(settings, Post(tmp_path / "x"), lambda: NOW)


def test_two_addresses_of_one_host_are_two_places(tmp_path):
    to = ("https://x.example/a", "https://x.example/b")
    settings = databases.settings("sqlite://", tmp_path, alerts_to=to, alerts_secret=SECRET)
    found = places_of.alert_destinations(settings, Post(tmp_path / "x"), lambda: NOW)
    assert len({item.name for item in found}) == 2


def test_every_kind_has_words():
    assert {report_texts.format_case_kind(VOICE, item) for item in CaseKind}.isdisjoint(
        set(CaseKind) - {"objection"}
    )
