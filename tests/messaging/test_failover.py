"""Which gateway texts leave by: another provider takes over from one that fails, and fails back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from messaging import outbox
from messaging.dispatch.worker import Worker
from messaging.models import OutboxMessage
from messaging.outbox import NewMessage
from messaging.providers.base import OutcomeUnknown, Rejected, Unavailable
from messaging.providers.failover import (
    FIRST_OPEN_DURATION,
    MAX_OPEN_DURATION,
    MIN_RESULTS,
    WINDOW,
    FailoverRouter,
)
from tests import factories
from tests.security_rules.support.crash_helpers import Post
from vault.models import AuditEntry

NOW = datetime(2026, 11, 24, 10, 0, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@dataclass
class Named:
    name: str


@pytest.fixture
def route():
    return FailoverRouter([Named("first"), Named("second")])


def chosen(route: FailoverRouter, now: datetime) -> str | None:
    found = route.choose_provider(now)
    return found.name if found else None


def fail(route: FailoverRouter, name: str, now: datetime, times: int = MIN_RESULTS) -> None:
    for _ in range(times):
        route.record_provider_result(name, good=False, now=now)


def test_a_few_failures_are_no_reason_to_switch(route):
    fail(route, "first", NOW, MIN_RESULTS - 1)
    assert chosen(route, NOW) == "first"


def test_half_of_many_is(route):
    for _ in range(MIN_RESULTS):
        route.record_provider_result("first", good=True, now=NOW)
    fail(route, "first", NOW, MIN_RESULTS - 1)
    assert chosen(route, NOW) == "first"
    fail(route, "first", NOW, 1)
    assert chosen(route, NOW) == "second"


def test_what_is_long_ago_does_not_count(route):
    fail(route, "first", NOW, MIN_RESULTS - 1)
    fail(route, "first", NOW + WINDOW, 1)
    assert chosen(route, NOW + WINDOW) == "first"


def test_it_comes_back_after_its_rest_and_rests_twice_as_long_when_no_better(route):
    now, rest = NOW, FIRST_OPEN_DURATION
    fail(route, "first", now)
    for _ in range(8):
        assert chosen(route, now + rest - SECOND) == "second"
        now += rest
        assert chosen(route, now) == "first"
        fail(route, "first", now, 1)
        rest = min(rest * 2, MAX_OPEN_DURATION)
    now += rest
    route.record_provider_result("first", good=True, now=now)
    fail(route, "first", now, 1)
    assert chosen(route, now) == "first"


def test_when_none_is_well_all_wait(route):
    fail(route, "first", NOW)
    fail(route, "second", NOW)
    assert chosen(route, NOW) is None
    assert chosen(route, NOW + FIRST_OPEN_DURATION) == "first"


def test_one_that_asks_for_a_pause_gets_it_and_no_more(route):
    route.record_provider_result("first", good=False, now=NOW, rest=2 * SECOND)
    assert chosen(route, NOW + SECOND) == "second"
    assert chosen(route, NOW + 2 * SECOND) == "first"
    fail(route, "first", NOW + 2 * SECOND, 1)
    assert chosen(route, NOW + 2 * SECOND) == "first"


def texts(store, count: int) -> set[str]:
    with store.unit() as session:
        who = factories.a_customer(session, NOW)
        draft = NewMessage(
            who.id, "booked", factories.PHONE, "hello", NOW, NOW + timedelta(hours=1)
        )
        return {str(outbox.queue_message(session, draft, NOW)) for _ in range(count)}


class Two:
    """Two providers and a worker of both, at a moment that a test moves."""

    def __init__(self, store, folder) -> None:
        self.store, self.now = store, NOW
        self.first, self.second = Post(folder / "first"), Post(folder / "second")
        self.second.name = "second"
        self.works = Worker(store.engine, store.ring, [self.first, self.second], lambda: self.now)

    def until_settled(self) -> None:
        for _ in range(60):
            while self.works.run_once():
                pass
            self.now += timedelta(seconds=5)

    def switches(self) -> list[str]:
        rows = self.store.all(select(AuditEntry).where(AuditEntry.action == "gateway.switch"))
        return [row.detail for row in rows]


@pytest.mark.both
def test_another_provider_takes_over_and_the_switch_is_written_down(store, tmp_path):
    two = Two(store, tmp_path)
    made = texts(store, 12)
    two.first.stumbles = [Unavailable() for _ in range(MIN_RESULTS)]
    two.until_settled()
    assert sorted(two.first.taken() + two.second.taken()) == sorted(made)
    assert two.second.taken()
    assert two.switches()[0] == "post to second"
    by = {row.gateway for row in store.all(select(OutboxMessage))}
    assert by <= {"post", "second"}


@pytest.mark.both
def test_what_the_first_may_have_is_asked_of_the_first_before_the_second_sends_it(store, tmp_path):
    """The first takes five texts, answers none and dies: none of them may go out twice."""
    two = Two(store, tmp_path)
    made = texts(store, 8)
    two.first.stumbles = [OutcomeUnknown() for _ in range(MIN_RESULTS)]
    two.until_settled()
    assert sorted(two.first.taken() + two.second.taken()) == sorted(made)
    assert {row.state for row in store.all(select(OutboxMessage))} == {"sent"}


@pytest.mark.both
def test_what_the_first_never_had_is_sent_by_the_second(store, tmp_path):
    two = Two(store, tmp_path)
    made = texts(store, 1)
    two.first.stumbles = [OutcomeUnknown()]
    two.works.run_once()
    two.first.path.unlink()
    for _ in range(MIN_RESULTS):
        two.works._routes["text"].record_provider_result("post", good=False, now=two.now)
    two.now += timedelta(seconds=3)
    two.works._deliverer._routes["text"].record_provider_result("second", good=True, now=two.now)
    two.until_settled()
    assert two.first.asked[:2] == ["send", "find"]
    assert sorted(two.first.taken() + two.second.taken()) == sorted(made)


@pytest.mark.both
def test_a_rejection_is_no_failure_of_the_provider(store, tmp_path):
    two = Two(store, tmp_path)
    texts(store, 9)
    two.first.stumbles = [Rejected("landline") for _ in range(9)]
    two.until_settled()
    assert two.switches() == []
    assert {row.error for row in store.all(select(OutboxMessage))} == {"landline"}


def a_spoken_message(store) -> None:
    with store.unit() as session:
        who = factories.a_customer(session, NOW)
        lasts = NOW + timedelta(hours=1)
        draft = NewMessage(who.id, "booked", factories.PHONE, "hello", NOW, lasts, medium="voice")
        outbox.queue_message(session, draft, NOW)


def a_voice(path) -> Post:
    voice = Post(path)
    voice.name = "voice"
    return voice


@pytest.mark.both
def test_texts_and_calls_have_providers_and_failover_of_their_own(store, tmp_path):
    sms, first, second = Post(tmp_path / "sms"), a_voice(tmp_path / "a"), a_voice(tmp_path / "b")
    second.name = "second"
    first.stumbles = [Unavailable() for _ in range(MIN_RESULTS)]
    now = [NOW]
    works = Worker(store.engine, store.ring, [sms], lambda: now[0], voices=[first, second])
    texts(store, 1)
    a_spoken_message(store)
    for _ in range(40):
        works.run_once()
        now[0] += timedelta(seconds=5)
    rows = {row.medium: row for row in store.all(select(OutboxMessage))}
    assert {row.state for row in rows.values()} == {"sent"}
    assert len(sms.taken()) == len(first.taken() + second.taken()) == 1
    assert (rows["text"].gateway, rows["voice"].gateway in ("voice", "second")) == ("post", True)


@pytest.mark.both
@pytest.mark.parametrize("away", ["text", "voice"])
def test_one_medium_goes_on_while_the_providers_of_the_other_are_away(store, tmp_path, away):
    sms, voice = Post(tmp_path / "sms"), a_voice(tmp_path / "voice")
    works = Worker(store.engine, store.ring, [sms], lambda: NOW, voices=[voice])
    texts(store, 1)
    a_spoken_message(store)
    name = {"text": "post", "voice": "voice"}[away]
    for _ in range(MIN_RESULTS):
        works._routes[away].record_provider_result(name, good=False, now=NOW)
    works.run_once()
    found = {row.medium: row.state for row in store.all(select(OutboxMessage))}
    assert found == {"text": "sent", "voice": "sent"} | {away: "queued"}


@pytest.mark.both
def test_without_a_provider_of_calls_a_spoken_message_fails_and_says_so(store, tmp_path):
    works = Worker(store.engine, store.ring, [Post(tmp_path / "sms")], lambda: NOW)
    a_spoken_message(store)
    works.run_once()
    (row,) = store.all(select(OutboxMessage))
    assert (row.state, row.error) == ("failed", "no_calls")
