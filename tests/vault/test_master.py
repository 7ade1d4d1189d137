"""Master keys: read strictly, old ones still open what they wrapped."""

from __future__ import annotations

import base64

import pytest

from vault.errors import KeyUnavailable, Tampered
from vault.keys import master_keys

ONE, TWO = base64.b64encode(b"1" * 32).decode(), base64.b64encode(b"2" * 32).decode()


def test_the_first_key_wraps_and_all_open(tmp_path):
    old = master_keys.parse_master_keys(f"a:{ONE}")
    wrapped = old.wrap_with_master(b"secret", "place")
    rotated = master_keys.parse_master_keys(f"b:{TWO},\n a:{ONE}")
    assert rotated.current == "b"
    assert rotated.unwrap_with_master(wrapped, "place") == b"secret"
    assert rotated.wrap_with_master(b"secret", "place").startswith(b"b:")
    with pytest.raises(KeyUnavailable):
        old.unwrap_with_master(rotated.wrap_with_master(b"secret", "place"), "place")
    with pytest.raises(Tampered):
        rotated.unwrap_with_master(wrapped, "elsewhere")
    with pytest.raises(Tampered):  # a key's name is no more than a hint
        rotated.unwrap_with_master(b"b" + wrapped[1:], "place")


@pytest.mark.parametrize(
    "wrapped", [b"", b":", b"a", b"a:", b"zz:xx", b"\xff:\xff", b"a:" + b"x" * 9]
)
def test_what_was_never_wrapped_does_not_open(wrapped):
    with pytest.raises((KeyUnavailable, Tampered)):
        master_keys.parse_master_keys(f"a:{ONE}").unwrap_with_master(wrapped, "place")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ONE,
        "a:",
        f":{ONE}",
        f"A:{ONE}",
        f"a {ONE}",
        "a:c2hvcnQ=",
        f"a:{ONE[:-1]}",
        f"a:{ONE},a:{TWO}",
        f"a:{ONE};b:{TWO}",
        "a:" + base64.b64encode(b"3" * 33).decode(),
        f"a:{ONE}\x00",
    ],
)
def test_keys_not_well_written_are_refused_without_telling_them(text):
    with pytest.raises(KeyUnavailable) as told:
        master_keys.parse_master_keys(text)
    assert ONE not in str(told.value)
    assert ONE[:12] not in repr(told.value)


def test_keys_do_not_show_themselves():
    keys = master_keys.parse_master_keys(f"a:{ONE}")
    assert "1111" not in repr(keys)
    assert ONE not in repr(keys)


def test_keys_derived_for_purposes_differ_and_come_from_each_master_key():
    keys = master_keys.parse_master_keys(f"b:{TWO},a:{ONE}")
    assert len({*keys.derive_keys("one"), *keys.derive_keys("two"), b"1" * 32, b"2" * 32}) == 6
    assert (
        keys.derive_keys("one")[1]
        == master_keys.parse_master_keys(f"a:{ONE}").derive_keys("one")[0]
    )
