"""C6: codes are HOTP over 160 bits of a callback's own, and a counter that only rises."""

from __future__ import annotations

import ast
import base64
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update
from sqlmodel import col, select

from scheduling import callback_rows
from tests import databases, factories
from tests.security_rules.support.check_channels import CHANNELS
from verification import codes, issued_codes
from verification.models import Code

ROOT = Path(__file__).resolve().parents[3]
PRODUCT = [
    "app.py", "channels", "config", "incidents", "procedures", "messaging", "people", "scheduling",
    "storage", "vault", "verification",
]  # fmt: skip
#: RFC 4226, appendix D.
RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()
RFC_CODES = [
    "755224", "287082", "359152", "969429", "338314",
    "254676", "287922", "162583", "399871", "520489",
]  # fmt: skip
RFC_NUMBERS = [
    1284755224, 1094287082, 137359152, 1726969429, 1640338314,
    868254676, 1918287922, 82162583, 673399871, 645520489,
]  # fmt: skip


@pytest.mark.parametrize("digits", [6, 7, 8])
def test_codes_are_those_of_the_rfc(digits):
    for counter, number in enumerate(RFC_NUMBERS):
        assert codes.hotp_code(RFC_SECRET, counter, digits) == f"{number % 10**digits:0{digits}d}"
    assert [codes.hotp_code(RFC_SECRET, n, 6) for n in range(10)] == RFC_CODES


def test_leading_zeros_are_kept():
    found = [codes.hotp_code(RFC_SECRET, counter, 6) for counter in range(400)]
    assert any(code.startswith("0") for code in found)
    assert {len(code) for code in found} == {6}


def test_a_secret_is_160_bits_of_the_systems_generator(monkeypatch):
    asked = []
    monkeypatch.setattr(codes.os, "urandom", lambda n: asked.append(n) or bytes(range(n)))
    assert base64.b32decode(codes.new_code_secret()) == bytes(range(20))
    assert asked == [20]


def test_no_part_of_the_product_uses_a_generator_that_can_be_foreseen():
    files = [p for part in PRODUCT for p in sorted((ROOT / part).rglob("*.py")) or [ROOT / part]]
    assert len(files) > 90
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in getattr(node, "names", [])]
            module = getattr(node, "module", None)
            assert "random" not in [*names, module], path


def test_each_call_has_a_secret_of_its_own_that_no_query_shows(store, clock):
    made = [factories.a_call(store, clock.now) for _ in range(5)]
    rows = [row for row in store.all(select(Code)) if row.callback_id]
    assert len({row.secret for row in rows}) == len(made)
    assert all(call.code.encode() not in row.secret for call in made for row in rows)


def test_the_counter_only_rises(store, clock):
    call = factories.a_call(store, clock.now)
    seen = []
    for _ in range(4):
        row = next(r for r in store.all(select(Code)) if r.callback_id == call.callback_id)
        seen.append(row.counter)
        if len(seen) < 4:
            with store.unit() as session:
                held = callback_rows.get_held_callback(session, call.callback_id, call.agent_id)
                issued_codes.reissue_code(session, held, factories.a_policy(), clock.now)
    assert seen == [0, 1, 2, 3]


def test_a_counter_set_back_in_the_store_brings_no_dead_code_to_life(app, database, clock):
    """By somebody who can write to the database and knows the old code. Nor set forward."""
    there = databases.opened(database)
    call = factories.a_call(there, clock.now)
    with there.unit() as session:
        held = callback_rows.get_held_callback(session, call.callback_id, call.agent_id)
        issued_codes.reissue_code(session, held, factories.a_policy(), clock.now)
    for counter in (0, 2):
        with there.unit() as session:
            at = col(Code.callback_id) == call.callback_id
            session.exec(update(Code).where(at).values(counter=counter))
        assert CHANNELS["api"](app, call.phone, call.code) == "cannot_check"


@pytest.mark.settings(code_digits=8)
def test_codes_have_eight_digits_where_configured(app, client, clock):
    from tests.channels.support import a_started_call, a_token

    _, code = a_started_call(app, client, clock, a_token(app))
    assert len(code) == 8
    assert CHANNELS["api"](app, "+447400123456", f"{code[:4]} {code[4:]}") == "genuine"


DECIMALS = st.characters(categories=["Nd"])
PARTING = st.sampled_from(["", " ", "-", "\u00a0", "\u2011", "\u2013", "\u202f", ".", "·", "\t"])


@given(st.lists(st.tuples(PARTING, DECIMALS), min_size=6, max_size=6))
def test_digits_of_every_script_count_however_they_are_parted(written):
    text = "".join(parting + digit for parting, digit in written)
    expected = "".join(str(unicodedata.decimal(digit)) for _, digit in written)
    assert codes.normalise_code(text, 6) == expected


@given(st.text(max_size=80))
def test_nothing_else_is_taken_for_a_code(text):
    found = codes.normalise_code(text, 6)
    if found is not None:
        folded = unicodedata.normalize("NFKC", text)
        digits = [
            unicodedata.decimal(c) for c in folded if unicodedata.decimal(c, None) is not None
        ]
        assert found == "".join(map(str, digits))
        assert not any(c.isalpha() for c in folded)


@pytest.mark.parametrize(
    "text",
    ["", " ", "12345", "1234567", "12345a", "12 34 5O", "Ⅵ23456", "½23456", "+12345", "0x1234",
     "1e5000", "123456\x00", "1" * 10**6, "--------", "二三四五六七"],
)  # fmt: skip
def test_what_is_no_code_is_none(text):
    assert codes.normalise_code(text, 6) is None


def test_a_number_that_lost_its_leading_zero_does_not_confirm(app, client, clock, monkeypatch):
    from tests.channels.support import PHONE, a_started_call, a_token

    monkeypatch.setattr(codes, "hotp_code", lambda secret, counter, digits: "012345")
    a_started_call(app, client, clock, a_token(app))
    for lost in (12345, 12345.0, "12345", "12345 ", True, None, ["012345"], {"code": "012345"}):
        answer = client.post("/api/v1/checks", json={"phone": PHONE, "code": lost})
        assert answer.status_code == 422, lost
    assert CHANNELS["api"](app, PHONE, "012345") == "genuine"
