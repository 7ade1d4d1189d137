"""Neither the answer nor the work behind it tells whether we know a number."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from messaging import line_types, opt_outs
from tests import factories
from tests.security_rules.support.cost_counters import costly, difference, rows, statements
from verification import number_proof, page_number_check

POLICY = factories.a_policy()
KNOWN, UNKNOWN, OUT = "+447400300001", "+447400300002", "+447400300003"
PHONES = {"unknown": UNKNOWN, "known": KNOWN, "wants no texts": OUT}


@pytest.fixture
def phones(store, clock) -> dict[str, str]:
    with store.unit() as session:
        factories.a_customer(session, clock.now, KNOWN)
        factories.a_customer(session, clock.now, OUT)
        opt_outs.record_opt_out(session, OUT, clock.now)
    send(store, clock, "+447400300009")  # opens what is opened once
    prove(store, clock, "+447400300009")
    return PHONES


def send(store, clock, phone: str, medium: str = "text") -> None:
    with store.unit() as session:
        number_proof.issue_page_number(session, phone, medium, POLICY, clock.now)


def prove(store, clock, phone: str, number: str = "00000001") -> None:
    with store.unit() as session:
        page_number_check.verify_page_number(session, phone, number, clock.now)


def shape(asked: list[str]) -> list[str]:
    """The statements, but for how a savepoint ends."""
    return [re.sub(r"^(RELEASE|ROLLBACK TO) SAVEPOINT.*", "END", item) for item in asked]


def seen(act, store, phones) -> dict[str, list[str]]:
    found = {}
    for name, phone in phones.items():
        with statements(store.engine) as asked:
            act(phone)
        found[name] = shape(asked)
    return found


def all_alike(found: dict[str, list]) -> list:
    first, *others = found.values()
    assert others == [first] * len(others)
    return first


@pytest.mark.parametrize("medium", ["text", "voice"])
def test_asking_takes_the_same_statements(store, clock, phones, medium):
    made = all_alike(seen(lambda phone: send(store, clock, phone, medium), store, phones))
    assert sum(sql.startswith("INSERT INTO outbox_message") for sql in made) == 1


def test_trying_takes_the_same_statements_whatever_is_wrong(store, clock, phones):
    fresh = all_alike(seen(lambda phone: prove(store, clock, phone), store, phones))
    for phone in phones.values():
        send(store, clock, phone)
    open_ = all_alike(seen(lambda phone: prove(store, clock, phone), store, phones))
    for phone in phones.values():
        for _ in range(5):
            prove(store, clock, phone)
    dead = all_alike(seen(lambda phone: prove(store, clock, phone), store, phones))
    for phone in phones.values():
        send(store, clock, phone)
    clock.now += timedelta(minutes=10)
    too_late = all_alike(seen(lambda phone: prove(store, clock, phone), store, phones))
    assert fresh == open_ == dead == too_late


def test_ciphers_and_numbers_are_computed_alike(store, clock, phones, monkeypatch):
    done, found = costly(monkeypatch), {}
    for name, phone in phones.items():
        done.clear()
        send(store, clock, phone)
        prove(store, clock, phone)
        found[name] = list(done)
    acts = [name for name, _ in all_alike(found)]
    assert acts.count("hotp") == 2
    assert acts.count("compare") >= 1


def test_of_what_was_sent_to_nobody_nothing_is_kept_but_the_proof(store, clock, phones):
    found = {}
    for name, phone in phones.items():
        before = rows(store)
        send(store, clock, phone)
        found[name] = difference(before, rows(store))
    kept = {"number_proof": (0, 1), "audit_entry": (0, 1)}
    assert found["unknown"] == found["wants no texts"] == kept
    assert found["known"] == {**kept, "outbox_message": (0, 1)}


def test_a_landline_is_told_aloud_whatever_was_chosen(store, clock, phones):
    with store.unit() as session:
        line_types.record_line_type(session, KNOWN, line_types.LANDLINE, clock.now)
    before = rows(store)["outbox_message"]
    send(store, clock, KNOWN, "text")
    (row,) = rows(store)["outbox_message"] - before
    assert "voice" in row
