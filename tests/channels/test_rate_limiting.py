"""Limits: counted by kind and identifier, over processes where Redis is, and closed without it."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial

import pytest
import time_machine

from channels.rate_limits import (
    MemoryCounters,
    RateLimiter,
    RateLimiterUnavailable,
    RateLimitExceeded,
)
from tests import servers
from tests.channels.support import PHONE
from tests.processes import at_once

RULES = {"guess": "5/minute;8/hour", "other": "2/minute"}
MOMENT = "2026-11-24T10:00:00Z"


@pytest.fixture(scope="module")
def redis():
    with ExitStack() as stack:
        try:
            yield stack.enter_context(servers.redis())
        except servers.Missing as missing:
            pytest.skip(str(missing))


@pytest.fixture(params=["memory", "redis"])
def limiter(request):
    if request.param == "memory":
        return RateLimiter("memory://", RULES)
    made = RateLimiter(request.getfixturevalue("redis"), RULES)
    made._storage.forget_all_counts()
    return made


def let_through(limiter: RateLimiter, tries: int, who: str = "a", kind: str = "guess") -> int:
    count = 0
    for _ in range(tries):
        try:
            limiter.count_hit(kind, who)
            count += 1
        except RateLimitExceeded as told:
            assert 1 <= told.retry_after <= 3601
    return count


def test_so_many_and_no_more_each_kind_and_identifier_apart(limiter):
    assert let_through(limiter, 9) == 5
    assert let_through(limiter, 9, "b") == 5
    assert let_through(limiter, 9, kind="other") == 2
    assert let_through(limiter, 9) == 0


@pytest.mark.parametrize("who", ["", "a/b", "::1", "é🙂", "x" * 5000, "a\nb", "guess"])
def test_any_identifier_counts_for_itself(limiter, who):
    assert let_through(limiter, 7, who) == 5
    assert let_through(limiter, 1, who + "x") == 1


def test_a_window_ends_and_a_longer_one_still_holds():
    with time_machine.travel(MOMENT, tick=False) as clock:
        limiter = RateLimiter("memory://", RULES)
        assert let_through(limiter, 9) == 5
        clock.shift(61)
        assert let_through(limiter, 9) == 3  # eight an hour; the refused were not counted there
        clock.shift(3600)
        assert let_through(limiter, 9) == 5


def test_counts_that_have_run_out_do_not_pile_up():
    with time_machine.travel(MOMENT, tick=False) as clock:
        counts = MemoryCounters()
        for n in range(1000):
            counts.increment_key(f"k{n}", 10)
        clock.shift(11)
        for n in range(600):
            counts.increment_key(f"new{n}", 10)
        assert len(counts._counts) == 600
        assert counts.count_of_key("k1") == 0
        assert counts.count_of_key("new1") == 1


def test_threads_of_one_process_share_a_count():
    from threading import Thread

    limiter, through = RateLimiter("memory://", RULES), []
    threads = [Thread(target=lambda: through.append(let_through(limiter, 5))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(through) == 5


def test_processes_share_a_count_through_redis(redis):
    act = partial(_in_a_process, redis)
    assert sum(at_once([act] * 8, lambda: None)) == 5


def _in_a_process(redis: str) -> int:
    return let_through(RateLimiter(redis, RULES), 5, "shared")


def test_without_redis_it_is_closed(request):
    with ExitStack() as stack:
        try:
            limiter = RateLimiter(stack.enter_context(servers.redis()), RULES)
        except servers.Missing as missing:
            pytest.skip(str(missing))
        limiter.count_hit("guess", "a")
    with pytest.raises(RateLimiterUnavailable):
        limiter.count_hit("guess", "a")


@pytest.mark.settings(rate_storage=f"redis://127.0.0.1:{servers.free_port()}/0")
def test_a_check_without_redis_is_no_verdict_and_a_report_an_error(client):
    body = {"phone": PHONE, "code": "123456"}
    answer = client.post("/api/v1/checks", json=body)
    assert (answer.status_code, answer.json["verdict"]) == (503, "cannot_check")
    assert client.post("/check", data=body).status_code == 503
    assert client.post("/api/v1/reports", json={"phone": PHONE}).status_code == 503
    form = {"email": "a@b.c", "password": "x", "code": "1"}
    assert client.post("/staff/sign-in", data=form).status_code in (400, 503)


@pytest.mark.settings(check_limit_per_network="3/minute", check_limit_per_number="2/minute")
def test_checks_are_limited_by_address_and_by_number(client):
    def check(phone: str, address: str) -> int:
        body = {"phone": phone, "code": "123456"}
        where = {"REMOTE_ADDR": address}
        answer = client.post("/api/v1/checks", json=body, environ_base=where)
        assert (answer.status_code == 429) == ("Retry-After" in answer.headers)
        return answer.status_code

    assert [check(PHONE, f"192.0.2.{n}") for n in range(3)] == [200, 200, 429]
    numbers = [f"+44740012340{n}" for n in range(4)]
    assert [check(number, "198.51.100.1") for number in numbers] == [200, 200, 200, 429]
    assert check("07400 123456", "192.0.2.9") == 429  # however it is written
