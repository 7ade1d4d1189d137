"""Passwords: long, not what anybody would try first, and otherwise whatever their owner likes."""

from __future__ import annotations

import importlib.util

import pytest
from hypothesis import given
from hypothesis import strategies as st

from people import credentials
from people.errors import InvalidInput
from people.staff.enrolment_links import new_pin

WORDS = ["Ana Silva", "ana.silva@acme-phones.example", "Acme Phones"]


@pytest.mark.parametrize(
    "password",
    [
        "several good words",
        "Kx9#mQ2$vL7!",
        "pâtisserie où l'on danse",
        "六つの茶色い狐が川を渡りました",
    ],
)
def test_a_good_one_is_kept(password):
    stored = credentials.hash_password(password, WORDS)
    assert credentials.password_matches(stored, password)
    assert not credentials.password_matches(stored, password + " ")


@pytest.mark.parametrize(
    "password",
    [
        "silva was here again",
        "SILVA was here again",
        "my acme is your acme",
        "phones ring at night",
        "example of a good one",
    ],
)
def test_one_with_its_owners_name_address_or_house_is_refused(password):
    with pytest.raises(InvalidInput, match="password_holds_own_name"):
        credentials.hash_password(password, WORDS)
    credentials.hash_password(password.casefold().replace(" ", "~"), ["Bo", "b@x"])


@pytest.mark.parametrize(
    "password",
    [
        "password12345",
        "Password1234!",
        "qwertyuiop123",
        "letmein!letmein!",
        "welcome2welcome2",
        "admin-admin-2026",
        "iloveyou iloveyou",
        "1q2w3e4r5t6y",
        "Summer2026!!!",
        "changeme123456",
    ],
)
def test_a_common_one_is_refused(password):
    with pytest.raises(InvalidInput):
        credentials.hash_password(password)


@pytest.mark.parametrize("password", ["abcdefghijklmn", "123456789012345", "aabbccddeeffgg"])
def test_a_row_is_refused(password):
    with pytest.raises(InvalidInput, match="password_is_a_row"):
        credentials.hash_password(password)


@given(st.text(max_size=300), st.lists(st.text(max_size=20), max_size=3))
def test_any_text_is_kept_or_refused_and_nothing_else(password, words):
    real, credentials._hasher = credentials._hasher, Quick()
    try:
        credentials.hash_password(password, words)
    except InvalidInput as error:
        assert error.field == "password"
    finally:
        credentials._hasher = real


class Quick:
    """Hashes nothing, for hundreds of examples."""

    def hash(self, password: str) -> str:
        return "x" * (credentials.MIN_PASSWORD <= len(password) <= credentials.MAX_PASSWORD)


def test_a_pin_has_six_digits_and_is_seldom_the_same():
    made = {new_pin() for _ in range(200)}
    assert all(len(pin) == 6 and pin.isdigit() for pin in made)
    assert len(made) > 190


def test_passwords_cost_a_guesser_what_owasp_asks_for():
    """The module as it is in use: the tests share one whose hashes cost little."""
    spec = importlib.util.find_spec("people.credentials")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    stored = module.hash_password("several good words")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert module._DECOY_HASH.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
