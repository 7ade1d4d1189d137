"""The worker: what it does with each answer of a provider, and what when it was held up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from messaging import outbox
from messaging.dispatch import delivery_outcomes, delivery_worker, leases, worker
from messaging.dispatch.leases import LEASE
from messaging.dispatch.worker import Worker
from messaging.models import Heartbeat, OutboxMessage
from messaging.outbox import NewMessage
from messaging.providers.base import OutcomeUnknown, Rejected, Unavailable
from messaging.sending_limits import SendingLimits
from tests import factories
from tests.security_rules.support.crash_helpers import Post
from vault.models import AuditEntry

NOW = datetime(2026, 11, 24, 10, 0, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def post(tmp_path):
    return Post(tmp_path / "post")


@pytest.fixture
def works(store, post, clock):
    return Worker(store.engine, store.ring, [post], clock)


def text(store, *, due: datetime = NOW, expires: timedelta = timedelta(hours=1)) -> str:
    with store.unit() as session:
        who = factories.a_customer(session, NOW)
        draft = NewMessage(who.id, "booked", factories.PHONE, "hello", due, due + expires)
        return str(outbox.queue_message(session, draft, NOW))


def lease(session, now: datetime) -> list[delivery_outcomes.LeasedMessage]:
    return leases.lease_messages(session, now, "post", SendingLimits())


def kept(store) -> OutboxMessage:
    return store.all(select(OutboxMessage))[0]


@pytest.mark.both
def test_a_text_is_sent_when_due_and_not_before(store, works, post, clock):
    made = text(store, due=NOW + timedelta(minutes=5))
    clock.now = NOW + timedelta(minutes=5) - SECOND
    assert works.run_once() == 0
    clock.now += SECOND
    assert works.run_once() == 1
    assert works.run_once() == 0
    row = kept(store)
    assert (row.state, row.settled_at, row.provider_id) == ("sent", clock.now, f"post-{made}")
    assert post.taken() == [made]
    actions = [one_row.action for one_row in store.all(select(AuditEntry))]
    assert actions.count("text.open") == actions.count("text.sent") == 1


@pytest.mark.both
def test_a_text_that_is_too_late_is_not_sent(store, works, post, clock):
    text(store, expires=timedelta(minutes=1))
    clock.now += timedelta(minutes=1)
    works.run_once()
    assert (kept(store).state, post.asked) == ("expired", [])


@pytest.mark.both
def test_a_rejection_is_for_good(store, works, post, clock):
    post.stumbles = [Rejected("landline")]
    text(store)
    works.run_once()
    clock.now += timedelta(minutes=30)
    works.run_once()
    row = kept(store)
    assert (row.state, row.error, post.asked) == ("failed", "landline", ["send"])


@pytest.mark.both
def test_the_pause_doubles_up_to_five_minutes_until_the_text_is_of_no_use(store, post, clock):
    text(store, expires=timedelta(hours=1))
    pauses = []
    for _ in range(40):
        post.stumbles = [Unavailable()]
        works = Worker(store.engine, store.ring, [post], clock)  # with no memory of the gateway's
        assert works.run_once() == (kept(store).state == "queued")
        row = kept(store)
        if row.state == "expired":
            break
        assert (row.state, row.error) == ("queued", "unavailable")
        pauses.append((row.due_at - clock.now).total_seconds())
        clock.now = row.due_at - SECOND
        assert works.run_once() == 0
        clock.now = row.due_at
    doubled = [min(2**n, 300) for n in range(1, len(pauses) + 1)]
    assert all(0.75 * want <= had <= 1.25 * want for want, had in zip(doubled, pauses, strict=True))
    assert len(set(pauses)) == len(pauses) > 13
    assert kept(store).state == "expired"


@pytest.mark.both
def test_a_provider_that_says_how_long_is_left_alone_so_long(store, works, post, clock):
    post.stumbles = [Unavailable(timedelta(minutes=3))]
    text(store)
    text(store)
    works.run_once()
    works.run_once()
    assert post.asked == ["send"]
    clock.now += timedelta(minutes=3)
    works.run_once()
    assert len(post.taken()) == 2


@pytest.mark.both
def test_an_unknown_outcome_is_looked_up_and_not_sent_again(store, works, post, clock):
    made = text(store)
    post.stumbles = [OutcomeUnknown()]
    works.run_once()
    assert (kept(store).state, kept(store).error) == ("queued", "unknown")
    clock.now = kept(store).due_at
    works.run_once()
    assert kept(store).state == "sent"
    assert (post.taken(), post.asked) == ([made], ["send", "find"])


@pytest.mark.both
def test_an_unknown_outcome_is_looked_up_even_when_too_late_to_send(store, works, post, clock):
    text(store, expires=timedelta(seconds=1))
    post.stumbles = [OutcomeUnknown()]
    works.run_once()
    clock.now += timedelta(hours=1)
    works.run_once()
    assert (kept(store).state, post.asked) == ("sent", ["send", "find"])


@pytest.mark.both
def test_a_text_that_never_arrived_and_is_too_late_expires_unsent(store, works, post, clock):
    text(store, expires=timedelta(seconds=1))
    with store.unit() as session:
        lease(session, NOW)  # by a worker that then dies
    clock.now += LEASE
    works.run_once()
    assert (kept(store).state, post.asked) == ("expired", ["find"])


@pytest.mark.both
def test_an_answer_that_nobody_foresaw_stops_no_other_text(store, works, post, clock):
    made = {text(store), text(store)}
    post.stumbles = [KeyError(factories.PHONE)]
    assert works.run_once() == 2
    clock.now += timedelta(minutes=1)
    works.run_once()
    assert {row.state for row in store.all(select(OutboxMessage))} == {"sent"}
    assert sorted(post.taken()) == sorted(made)


@pytest.mark.both
def test_a_provider_that_cannot_say_is_asked_until_it_can(store, works, post, clock, monkeypatch):
    made = text(store, expires=timedelta(days=9))
    post.stumbles = [OutcomeUnknown()]
    works.run_once()
    for _ in range(12):
        clock.now = kept(store).due_at

        def cannot(letter):
            raise Unavailable

        with monkeypatch.context() as patch:
            patch.setattr(post, "find_message", cannot)
            Worker(store.engine, store.ring, [post], clock).run_once()
        assert (kept(store).state, kept(store).error) == ("queued", "unknown")
        assert kept(store).due_at - clock.now <= timedelta(minutes=6.25)
    clock.now = kept(store).due_at
    Worker(store.engine, store.ring, [post], clock).run_once()
    assert (kept(store).state, post.taken()) == ("sent", [made])


def test_a_lease_holds_until_it_ends_and_then_somebody_else_takes_it(store):
    text(store)
    with store.unit() as session:
        first = lease(session, NOW)
        assert (len(first), first[0].unknown) == (1, False)
        assert lease(session, NOW + LEASE - SECOND) == []
        second = lease(session, NOW + LEASE)
        assert (second[0].turn, second[0].unknown) == (2, True)


def test_a_worker_held_up_past_its_lease_has_no_say_any_more(store):
    text(store)
    with store.unit() as session:
        first = lease(session, NOW)[0]
        second = lease(session, NOW + LEASE)[0]
        delivery_outcomes.mark_failed(session, first, "landline", NOW)
        delivery_outcomes.schedule_retry(session, first, NOW, unknown=False)
        delivery_outcomes.mark_expired(session, first, NOW)
        delivery_outcomes.mark_sent(session, first, "first", NOW)
        assert session.exec(select(OutboxMessage)).one().state == "sending"
        delivery_outcomes.mark_sent(session, second, "second", NOW + LEASE)
        delivery_outcomes.mark_failed(session, first, "landline", NOW)
        delivery_outcomes.schedule_retry(session, first, NOW, unknown=True)
    assert (kept(store).state, kept(store).provider_id) == ("sent", "second")


@pytest.mark.both
def test_a_worker_held_up_by_its_first_text_leaves_the_second_to_others(store, works, post, clock):
    made = {text(store), text(store)}

    def slow() -> None:
        clock.now = max(clock.now, NOW + LEASE - delivery_worker.SEND_MARGIN + SECOND)

    post.act = slow
    assert works.run_once() == 2
    assert len(post.taken()) == 1
    clock.now = NOW + LEASE
    works.run_once()
    assert set(post.taken()) == made
    assert post.asked == ["send", "find", "send"]


@pytest.mark.both
def test_a_withdrawn_text_is_not_sent(store, works, post):
    with store.unit() as session:
        made = factories.a_callback(session, NOW)
        outbox.withdraw_for_callback(session, made.id, NOW)
    works.run_once()
    assert post.asked == []


@pytest.mark.both
def test_it_shows_that_it_lives_and_does_its_jobs_at_that_pace(store, post, clock):
    done: list[datetime] = []
    works = Worker(store.engine, store.ring, [post], clock, [lambda _, now: done.append(now)])
    for _ in range(3):
        works.run_once()
    clock.now += worker.HEARTBEAT_INTERVAL
    works.run_once()
    assert done == [NOW, clock.now]
    assert [row.at for row in store.all(select(Heartbeat))] == [clock.now]
    with store.unit() as session:
        assert worker.is_worker_alive(session, clock.now + worker.ALIVE_WITHIN)
        assert not worker.is_worker_alive(session, clock.now + worker.ALIVE_WITHIN + SECOND)
