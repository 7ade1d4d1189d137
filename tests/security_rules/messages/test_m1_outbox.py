"""M1: a text is stored with the fact it tells, and leaves once: no crash loses or doubles one."""

from __future__ import annotations

import os
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import select

from messaging.dispatch.leases import LEASE
from messaging.dispatch.worker import Worker
from messaging.models import OutboxMessage
from messaging.outbox import NewMessage, queue_message
from scheduling.models import Callback
from tests import databases, factories
from tests.channels.support import a_token, booking
from tests.databases import Store
from tests.processes import at_once
from tests.security_rules.support.crash_helpers import Fuse, Post, until_killed, worker_until_killed

NOW = datetime(2026, 11, 24, 10, 0, 30, tzinfo=UTC)
MAX_ACTS = 200


def texts(store: Store, count: int) -> set[str]:
    """So many texts, due now, to one customer."""
    with store.unit() as session:
        who = factories.a_customer(session, NOW)
        draft = NewMessage(
            who.id, "booked", factories.PHONE, "hello", NOW, NOW + timedelta(hours=9)
        )
        return {str(queue_message(session, draft, NOW)) for _ in range(count)}


def delivered_once(store: Store, post: Post, expected: set[str], now: datetime) -> None:
    """A worker that starts after the crash brings everything to its end."""
    worker = _worker(store, post, now)
    while worker.run_once():
        pass
    assert Counter(post.taken()) == dict.fromkeys(expected, 1)
    rows = store.all(select(OutboxMessage))
    assert {row.state for row in rows} == {"sent"}
    assert {row.provider_id for row in rows} == {f"post-{item}" for item in expected}


def test_a_booking_that_is_rolled_back_leaves_no_text(store):
    class Stopped(Exception):
        pass

    with pytest.raises(Stopped), store.unit() as session:
        factories.a_callback(session, NOW)
        raise Stopped
    assert store.all(select(OutboxMessage)) == []
    with store.unit() as session:
        factories.a_callback(session, NOW)
    assert [row.kind for row in store.all(select(OutboxMessage))] == ["booked"]


def test_a_booking_whose_text_cannot_be_stored_is_none(app, client, store):
    headers = a_token(app)
    rename = "ALTER TABLE {} RENAME TO {}"
    with store.engine.begin() as connection:
        connection.execute(text(rename.format("outbox_message", "gone")))
    answer = client.post("/api/v1/callbacks", json=booking(app), headers=headers)
    assert answer.status_code == 503
    assert store.all(select(Callback)) == []
    with store.engine.begin() as connection:
        connection.execute(text(rename.format("gone", "outbox_message")))
    answer = client.post("/api/v1/callbacks", json=booking(app), headers=headers)
    assert answer.status_code == 201
    assert len(store.all(select(OutboxMessage))) == 1


@pytest.mark.both
def test_a_booking_killed_at_any_act_is_told_of_or_is_none(store):
    def book(store: Store, fuse: Fuse) -> None:
        with store.unit() as session:
            factories.a_callback(session, NOW)

    made = []
    for acts in range(0, MAX_ACTS, 3):
        killed = until_killed(store.url, acts, book)
        made.append(len(store.all(select(Callback))))
        assert len(store.all(select(OutboxMessage))) == made[-1]
        if not killed:
            break
    assert made[0] == 0
    assert made[-1] == 1
    assert len(made) > 8


@pytest.mark.both
@pytest.mark.parametrize("part", range(4))
def test_a_worker_killed_at_any_act_loses_nothing_and_doubles_nothing(store, tmp_path, part):
    """At every fourth act from the first to the last: statements, commits, calls of the
    provider, before and after each. The lease holds until it ends, then somebody else finishes."""
    now, deaths = NOW, 0
    for acts in range(part, MAX_ACTS, 4):
        path = tmp_path / f"post-{acts}"
        expected = texts(store, 1)
        killed = worker_until_killed(store.url, path, now, acts)
        deaths += killed
        too_early = now + LEASE - timedelta(seconds=1)
        _worker(store, Post(path), too_early).run_once()
        now += LEASE + timedelta(seconds=1)
        delivered_once(store, Post(path), expected, now)
        _clear(store)
        if not killed:
            break
    assert deaths >= 4
    assert acts < MAX_ACTS - 4


def _worker(store: Store, post: Post, now: datetime) -> Worker:
    return Worker(store.engine, store.ring, [post], lambda: now)


def _clear(store: Store) -> None:
    with store.engine.begin() as connection:
        connection.execute(text("DELETE FROM outbox_message"))


@pytest.mark.both
def test_an_unknown_outcome_is_looked_up_before_any_second_try(store, tmp_path):
    expected = texts(store, 1)
    path = tmp_path / "post"
    for acts in range(MAX_ACTS):  # until it dies with the letter handed over
        if not worker_until_killed(store.url, path, NOW, acts) or Post(path).taken():
            break
        _clear(store)
        expected = texts(store, 1)
    assert len(Post(path).taken()) == 1
    later = Post(path)
    delivered_once(store, later, expected, NOW + LEASE + timedelta(seconds=1))
    assert later.asked == ["find"]


def _drain(url: str, path: Path) -> int:
    worker = _worker(databases.opened(url, wait_seconds=60), Post(path), NOW)
    handled = 0
    while found := worker.run_once():
        handled += found
    return handled


@pytest.mark.both
@pytest.mark.parametrize(
    "count", [40, pytest.param(200, marks=[pytest.mark.campaign, pytest.mark.long])]
)
def test_many_workers_at_once_send_each_text_once(store, tmp_path, count):
    expected = texts(store, count)
    post = Post(tmp_path / "post")
    acts = [lambda: _drain(store.url, post.path)] * 6
    handled = at_once(acts, lambda: store.engine.dispose(close=False))
    assert sum(handled) == count
    assert Counter(post.taken()) == dict.fromkeys(expected, 1)
    assert {row.state for row in store.all(select(OutboxMessage))} == {"sent"}


@pytest.mark.campaign
def test_kill_after_kill_at_random_nothing_is_lost_or_doubled(store, tmp_path):
    """``ROUNDS=3000`` is the figure of the design; fewer by default, to be done in time."""
    chance = random.Random(20261124)
    now = NOW
    for n in range(int(os.environ.get("ROUNDS", "200"))):
        path = tmp_path / f"post-{n}"
        expected = texts(store, chance.randint(1, 6))
        for _ in range(chance.randint(1, 3)):
            worker_until_killed(store.url, path, now, chance.randint(0, 120), rounds=2)
            now += chance.choice([timedelta(seconds=2), LEASE + timedelta(seconds=1)])
        now += LEASE + timedelta(seconds=1)
        delivered_once(store, Post(path), expected, now)
        _clear(store)
        now = NOW + timedelta(minutes=n % 60)
