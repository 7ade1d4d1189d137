"""Master keys: read strictly, kept privately, old ones still open what they wrapped."""

from __future__ import annotations

import base64
import os
import stat
from functools import partial

import pytest

from tests.processes import at_once
from vault import master
from vault.errors import KeyUnavailable, Tampered

ONE, TWO = base64.b64encode(b"1" * 32).decode(), base64.b64encode(b"2" * 32).decode()


def test_the_first_key_wraps_and_all_open(tmp_path):
    old = master.parse(f"a:{ONE}")
    wrapped = old.wrap(b"secret", "place")
    rotated = master.parse(f"b:{TWO},\n a:{ONE}")
    assert rotated.current == "b"
    assert rotated.unwrap(wrapped, "place") == b"secret"
    assert rotated.wrap(b"secret", "place").startswith(b"b:")
    with pytest.raises(KeyUnavailable):
        old.unwrap(rotated.wrap(b"secret", "place"), "place")
    with pytest.raises(Tampered):
        rotated.unwrap(wrapped, "elsewhere")
    with pytest.raises(Tampered):  # a key's name is no more than a hint
        rotated.unwrap(b"b" + wrapped[1:], "place")


@pytest.mark.parametrize(
    "wrapped", [b"", b":", b"a", b"a:", b"zz:xx", b"\xff:\xff", b"a:" + b"x" * 9]
)
def test_what_was_never_wrapped_does_not_open(wrapped):
    with pytest.raises((KeyUnavailable, Tampered)):
        master.parse(f"a:{ONE}").unwrap(wrapped, "place")


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
        master.parse(text)
    assert ONE not in str(told.value)
    assert ONE[:12] not in repr(told.value)


def test_keys_do_not_show_themselves():
    keys = master.parse(f"a:{ONE}")
    assert "1111" not in repr(keys)
    assert ONE not in repr(keys)


def test_keys_derived_for_purposes_differ_and_come_from_each_master_key():
    keys = master.parse(f"b:{TWO},a:{ONE}")
    assert len({*keys.derive("one"), *keys.derive("two"), b"1" * 32, b"2" * 32}) == 6
    assert keys.derive("one")[1] == master.parse(f"a:{ONE}").derive("one")[0]


def test_embedded_keys_are_made_once_and_are_private(tmp_path):
    folder = tmp_path / "deep" / "instance"
    made = master.load("", folder)
    assert master.load("", folder).keys == made.keys
    assert made.current.startswith("demo-")
    assert stat.S_IMODE((folder / "master.keys").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert os.listdir(folder) == ["master.keys"]


def _made(folder) -> str:
    return master.embedded(folder).keys[master.embedded(folder).current].hex()


def test_processes_that_start_at_once_agree_on_one_key(tmp_path):
    told = at_once([partial(_made, tmp_path / "instance")] * 12, lambda: None)
    assert len(set(told)) == 1


def test_keys_from_a_file_or_a_reason_why_not(tmp_path):
    path = tmp_path / "keys"
    with pytest.raises(KeyUnavailable, match="cannot be read"):
        master.load(f"file:{path}", tmp_path)
    path.write_text(f"# none\n{ONE}")
    path.chmod(0o640)
    with pytest.raises(KeyUnavailable, match="chmod 600"):
        master.load(f"file:{path}", tmp_path)
    path.chmod(0o600)
    with pytest.raises(KeyUnavailable):
        master.load(f"file:{path}", tmp_path)
    path.write_text(f"b:{TWO}\na:{ONE}\n")
    assert master.load(f"file:{path}", tmp_path).current == "b"
    assert master.load(f"a:{ONE}", tmp_path).current == "a"
    assert master.parse(master.new_entry("prod")).current.startswith("prod-")


def test_keys_from_a_command_or_a_reason_why_not(tmp_path):
    script = tmp_path / "kms"
    script.write_text(f"#!/bin/sh\necho b:{TWO}\necho a:{ONE}\n")
    script.chmod(0o700)
    assert master.load(f"command:{script} --quiet", tmp_path).current == "b"
    script.write_text("#!/bin/sh\necho secret >&2; echo secret; exit 3\n")
    with pytest.raises(KeyUnavailable, match="ended with 3") as error:
        master.load(f"command:{script}", tmp_path)
    assert "secret" not in str(error.value)
    for wrong in ("/nowhere/kms", "", "'"):
        with pytest.raises(KeyUnavailable, match="cannot be run"):
            master.load(f"command:{wrong}", tmp_path)
    script.write_text("#!/bin/sh\necho nothing\n")
    with pytest.raises(KeyUnavailable, match="id:base64"):
        master.load(f"command:{script}", tmp_path)


def test_a_command_that_hangs_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(master, "COMMAND_SECONDS", 0.2)
    with pytest.raises(KeyUnavailable, match="TimeoutExpired"):
        master.load("command:sleep 20", tmp_path)
