"""Sealing one value: opens with its key in its place, and in no other way."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vault.errors import Tampered
from vault.keys.aead import KEY_BYTES, generate_key, seal, unseal

KEY, OTHER = b"k" * 32, b"o" * 32


@settings(deadline=None)
@given(st.binary(max_size=300), st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_what_is_sealed_opens_in_its_place_and_looks_different_each_time(plain, place):
    sealed = seal(KEY, plain, place)
    assert unseal(KEY, sealed, place) == plain
    assert sealed != seal(KEY, plain, place)
    assert len(sealed) == len(plain) + 29
    assert len(plain) < 4 or plain not in sealed


@settings(deadline=None)
@given(st.binary(min_size=0, max_size=40), st.data())
def test_one_changed_bit_anywhere_keeps_it_shut(plain, data):
    sealed = bytearray(seal(KEY, plain, "a.b:1"))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Tampered):
        unseal(KEY, bytes(sealed), "a.b:1")


@pytest.mark.parametrize(("key", "place"), [(OTHER, "a.b:1"), (KEY, "a.b:2"), (KEY, "a.c:1")])
def test_another_key_or_place_keeps_it_shut(key, place):
    with pytest.raises(Tampered):
        unseal(key, seal(KEY, b"plain", "a.b:1"), place)


@settings(deadline=None)
@given(st.binary(max_size=80))
def test_what_was_never_sealed_does_not_open(rubbish):
    with pytest.raises(Tampered):
        unseal(KEY, rubbish, "a.b:1")


def test_the_error_tells_nothing_of_the_value():
    with pytest.raises(Tampered) as told:
        unseal(OTHER, seal(KEY, b"+447400123456", "a.b:1"), "a.b:1")
    assert told.value.__cause__ is None
    assert "7400" not in str(told.value)


def test_keys_are_fresh_and_whole():
    keys = {generate_key() for _ in range(100)}
    assert len(keys) == 100
    assert {len(key) for key in keys} == {KEY_BYTES}
