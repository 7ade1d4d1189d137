"""A page number proves who holds a phone: three tries, once, ten minutes, and for that alone."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial

import pytest
from sqlmodel import select

from messaging import opt_outs
from messaging.models import OutboxMessage
from people.models import NumberProof
from tests import databases, factories
from tests.processes import at_once
from vault.keys import field_encryption
from vault.models import AuditEntry
from verification import number_proof, page_number_check
from verification.code_check import check_code
from verification.verdicts import Channel, NotConfirmed

POLICY = factories.a_policy()
PHONE = "+447400300001"


@pytest.fixture
def customer(store, clock):
    with store.unit() as session:
        return factories.a_customer(session, clock.now, PHONE).id


def send(store, clock, phone: str = PHONE, medium: str = "text") -> None:
    with store.unit() as session:
        number_proof.issue_page_number(session, phone, medium, POLICY, clock.now)


def sent(store) -> list[str]:
    """The page numbers that went out, oldest first."""
    rows = store.all(select(OutboxMessage).where(OutboxMessage.kind == "proof"))
    found = []
    with store.unit() as session:
        for row in sorted(rows, key=lambda each: each.id):
            key = field_encryption.load_data_key(session, row.customer_id)
            body = key.open_field("outbox_message", "body", row.id, row.body)
            said = re.search(r"(\d(, \d){7})", body) or re.search(r"(\d{4} \d{4})", body)
            found.append(re.sub(r"\D", "", said[1]))
    return found


def prove(store, clock, number: str, phone: str = PHONE):
    with store.unit() as session:
        return page_number_check.verify_page_number(session, phone, number, clock.now)


def test_the_number_proves_once_and_names_the_customer(store, clock, customer):
    send(store, clock)
    (number,) = sent(store)
    assert prove(store, clock, f" {number[:4]}-{number[4:]} ") == customer
    assert prove(store, clock, number) is None
    assert {e.action for e in store.all(select(AuditEntry))} >= {"proof.send", "proof.use"}


def test_three_wrong_tries_and_it_is_dead(store, clock, customer):
    send(store, clock)
    (number,) = sent(store)
    for n in range(3):
        assert prove(store, clock, factories.wrong(number, n + 1)) is None
    assert prove(store, clock, number) is None
    (row,) = store.all(select(NumberProof))
    assert (row.tries, row.secret) == (3, None)


@pytest.mark.parametrize("tries", [2, 3])
def test_a_fourth_try_is_never_looked_at(store, clock, customer, tries):
    send(store, clock)
    (number,) = sent(store)
    for n in range(tries):
        prove(store, clock, factories.wrong(number, n + 1))
    assert (prove(store, clock, number) is not None) == (tries < 3)


@pytest.mark.both
def test_64_who_guess_at_once_have_three_tries_together(store, clock, customer):
    send(store, clock)
    (number,) = sent(store)

    def guess(n: int) -> bool:
        there = databases.opened(store.url, wait_seconds=60)
        return prove(there, clock, factories.wrong(number, n + 1)) is not None

    told = at_once(
        [partial(guess, n) for n in range(64)], lambda: store.engine.dispose(close=False)
    )
    assert not any(told)
    (row,) = store.all(select(NumberProof))
    assert row.tries == 3
    failed = [e for e in store.all(select(AuditEntry)) if e.action == "proof.fail"]
    assert len(failed) == 3


@pytest.mark.both
def test_of_many_with_the_right_number_at_once_one_is_let_in(store, clock, customer):
    send(store, clock)
    (number,) = sent(store)

    def enter() -> bool:
        return prove(databases.opened(store.url, wait_seconds=60), clock, number) is not None

    assert sum(at_once([enter] * 12, lambda: store.engine.dispose(close=False))) == 1


@pytest.mark.parametrize(("wait", "good"), [(9 * 60 + 59, True), (600, False)])
def test_it_is_good_for_ten_minutes(store, clock, customer, wait, good):
    send(store, clock)
    clock.now += timedelta(seconds=wait)
    assert (prove(store, clock, sent(store)[0]) is not None) == good


def test_a_newer_one_kills_the_older(store, clock, customer):
    send(store, clock)
    send(store, clock)
    older, newer = sent(store)
    assert older == newer or prove(store, clock, older) is None
    assert prove(store, clock, newer) == customer


def test_a_number_has_two_an_hour_and_four_a_day(store, clock, customer):
    for _ in range(5):
        send(store, clock)
    assert len(sent(store)) == 2
    clock.now += timedelta(minutes=61)
    for _ in range(5):
        send(store, clock)
    assert len(sent(store)) == 4
    clock.now += timedelta(minutes=61)
    send(store, clock)
    assert len(sent(store)) == 4
    clock.now += timedelta(days=1)
    send(store, clock)
    assert len(sent(store)) == 5


def test_a_phone_that_we_do_not_know_gets_nothing_and_opens_nothing(store, clock):
    send(store, clock)
    assert sent(store) == []
    assert len(store.all(select(NumberProof))) == 1
    assert prove(store, clock, "00000000") is None


def test_the_number_of_one_phone_does_not_open_anothers_page(store, clock, customer):
    other = "+447400300002"
    with store.unit() as session:
        factories.a_customer(session, clock.now, other)
    send(store, clock)
    send(store, clock, other)
    mine, _ = sent(store)
    assert prove(store, clock, mine, other) is None or mine == sent(store)[1]


def test_it_is_no_check_number_and_a_check_number_is_no_page_number(store, clock, customer):
    """A scammer who gets it read out can confirm nothing with it, nor enter with a code."""
    call = factories.a_call(store, clock.now, PHONE)
    send(store, clock)
    (number,) = sent(store)
    with store.unit() as session:
        for channel in Channel:
            told = check_code(session, PHONE, number, channel, clock.now, organisation="B")
            assert isinstance(told, NotConfirmed) or number == call.code
    assert prove(store, clock, call.code) is None or number == call.code


def test_who_wants_no_texts_is_sent_none_but_may_be_rung(store, clock, customer):
    with store.unit() as session:
        opt_outs.record_opt_out(session, PHONE, clock.now)
    send(store, clock)
    assert sent(store) == []
    send(store, clock, medium="voice")
    (row,) = store.all(select(OutboxMessage))
    assert row.medium == "voice"
    assert prove(store, clock, sent(store)[0]) == customer


@pytest.mark.parametrize(
    "given", ["", "1234567", "123456789", "abcdefgh", "１２３４５６７", "\x00" * 8, "9" * 64]
)
def test_what_is_no_number_is_refused_without_using_up_a_try(store, clock, customer, given):
    send(store, clock)
    assert prove(store, clock, given) is None
    assert store.all(select(NumberProof))[0].tries == 0
