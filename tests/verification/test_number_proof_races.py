"""Parallel requests for page numbers give no more numbers, and no more tries, than serial ones."""

from __future__ import annotations

from functools import partial

import pytest
from sqlmodel import select

from people.models import NumberProof
from tests import databases, factories
from tests.processes import at_once
from verification import number_proof, page_number_check, page_number_limits

POLICY = factories.a_policy()
PHONE = "+447400300001"


@pytest.fixture(params=["known", "unknown"])
def phone(request, store, clock) -> str:
    if request.param == "known":
        with store.unit() as session:
            factories.a_customer(session, clock.now, PHONE)
    return PHONE


@pytest.mark.both
def test_of_many_who_ask_at_once_two_are_sent_and_one_is_good(store, clock, phone):
    def ask() -> None:
        with databases.opened(store.url, wait_seconds=60).unit() as session:
            number_proof.issue_page_number(session, phone, "text", POLICY, clock.now)

    at_once([ask] * 16, lambda: store.engine.dispose(close=False))
    rows = store.all(select(NumberProof))
    assert len(rows) == page_number_limits.MAX_PER_HOUR
    assert len([row for row in rows if row.closed_at is None]) == 1


@pytest.mark.both
def test_who_asks_and_guesses_at_once_never_has_a_fourth_try_at_one(store, clock, phone):
    def act(n: int) -> None:
        with databases.opened(store.url, wait_seconds=60).unit() as session:
            if n % 8 == 0:
                number_proof.issue_page_number(session, phone, "text", POLICY, clock.now)
            else:
                page_number_check.verify_page_number(session, phone, f"{n:08d}", clock.now)

    at_once([partial(act, n) for n in range(64)], lambda: store.engine.dispose(close=False))
    rows = store.all(select(NumberProof))
    assert len(rows) <= page_number_limits.MAX_PER_HOUR
    assert all(row.tries <= page_number_limits.MAX_TRIES for row in rows)
