"""The worker's own life: many hands, a stop in the middle, reports that are ahead of it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from threading import Lock, Thread

import pytest
from sqlmodel import select

from messaging import delivery_reports, outbox, outbox_stats
from messaging.dispatch.worker import LEASES_PER_THREAD, Worker
from messaging.models import OutboxMessage
from messaging.outbox import NewMessage
from messaging.providers.base import OutboundMessage
from tests import factories

NOW = datetime(2026, 11, 24, 10, 0, 30, tzinfo=UTC)
SOON = 20


class Slow:
    """A provider that takes its time, and knows how many texts it had in hand at once."""

    name = "slow"

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.at_once = self.most = 0
        self.meanwhile = lambda: None
        self._lock = Lock()

    def send_message(self, letter: OutboundMessage, now: datetime) -> str:
        with self._lock:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        self.meanwhile()
        with self._lock:
            self.at_once -= 1
            self.taken[str(letter.reference)] += 1
        return f"slow-{letter.reference}"

    def find_message(self, letter: OutboundMessage) -> str | None:
        return f"slow-{letter.reference}" if self.taken[str(letter.reference)] else None

    def look_up_line_type(self, phone: str) -> str:
        return "mobile"


def texts(store, count: int) -> set[str]:
    with store.unit() as session:
        who = factories.a_customer(session, NOW)
        draft = NewMessage(
            who.id, "booked", factories.PHONE, "hello", NOW, NOW + timedelta(hours=1)
        )
        return {str(outbox.queue_message(session, draft, NOW)) for _ in range(count)}


def states(store) -> Counter[str]:
    return Counter(row.state for row in store.all(select(OutboxMessage)))


@pytest.mark.both
@pytest.mark.parametrize("hands", [1, 4])
def test_it_sends_as_many_at_a_time_as_it_has_hands_and_each_once(store, hands):
    made, slow = texts(store, 30), Slow()
    works = Worker(store.engine, store.ring, [slow], lambda: NOW, hands=hands)
    while works.run_once():
        pass
    assert slow.taken == dict.fromkeys(made, 1)
    assert slow.most <= hands
    assert states(store) == {"sent": 30}


@pytest.mark.both
def test_it_takes_no_more_than_it_will_soon_send(store):
    texts(store, 30)
    slow = Slow()
    works = Worker(store.engine, store.ring, [slow], lambda: NOW, hands=2)
    seen: list[int] = []
    slow.meanwhile = lambda: seen.append(states(store)["sending"])
    assert works.run_once() == 2 * LEASES_PER_THREAD
    assert max(seen) <= 2 * LEASES_PER_THREAD


@pytest.mark.both
@pytest.mark.parametrize("hands", [1, 3])
def test_a_stop_finishes_what_is_in_hand_and_gives_the_rest_back_at_once(store, hands):
    texts(store, 30)
    slow = Slow()
    works = Worker(store.engine, store.ring, [slow], lambda: NOW, hands=hands)
    slow.meanwhile = works.stopping.set
    thread = Thread(target=works.run_until_stopped, daemon=True)
    thread.start()
    thread.join(SOON)
    assert not thread.is_alive()
    sent = sum(slow.taken.values())
    assert 1 <= sent <= hands
    assert states(store) == {"sent": sent, "queued": 30 - sent}
    another = Worker(store.engine, store.ring, [slow], lambda: NOW)
    slow.meanwhile = lambda: None
    while another.run_once():
        pass
    assert set(slow.taken.values()) == {1}
    assert states(store) == {"sent": 30}


@pytest.mark.both
def test_a_report_that_is_ahead_of_the_answer_counts(store):
    """The provider says that it arrived before it says that it took it."""
    [made] = texts(store, 1)
    slow = Slow()

    def report() -> None:
        with store.unit() as session:
            delivery_reports.record_delivery_report(session, f"slow-{made}", "delivered", None, NOW)

    slow.meanwhile = report
    Worker(store.engine, store.ring, [slow], lambda: NOW).run_once()
    with store.unit() as session:
        [row] = session.exec(select(OutboxMessage)).all()
        assert row.state == "sent"
        assert delivery_reports.find_delivery_report(session, row).status == "delivered"


@pytest.mark.both
def test_how_it_does_is_told(store):
    texts(store, 3)
    late = NOW + timedelta(seconds=11)
    Worker(store.engine, store.ring, [Slow()], lambda: late).run_once()
    texts(store, 1)
    with store.unit() as session:
        standing = outbox_stats.measure_outbox(session, late)
    assert (standing.sent, standing.sent_soon) == (3, 0)
    assert (standing.waiting, standing.due, standing.oldest_seconds) == (1, 1, 11.0)
