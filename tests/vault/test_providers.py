"""Where master keys come from: each scheme by itself, and which one a setting names."""

from __future__ import annotations

import base64
import os
import stat
from functools import partial

import pytest

from tests.processes import at_once
from vault.errors import KeyUnavailable
from vault.keys import master_key_providers, master_keys
from vault.keys.master_key_providers import (
    CommandProvider,
    EmbeddedProvider,
    FileProvider,
    SettingProvider,
)

ONE, TWO = base64.b64encode(b"1" * 32).decode(), base64.b64encode(b"2" * 32).decode()


def test_a_setting_names_its_provider_by_its_scheme_and_reads_nothing_yet(tmp_path):
    named = {
        "": EmbeddedProvider(tmp_path),
        "file:/nowhere/keys": FileProvider("/nowhere/keys"),
        "command:/nowhere/kms --get": CommandProvider("/nowhere/kms --get"),
        f"a:{ONE}": SettingProvider(f"a:{ONE}"),
        "files:x": SettingProvider("files:x"),
    }
    for setting, provider in named.items():
        assert master_key_providers.select_provider(setting, tmp_path) == provider
    assert os.listdir(tmp_path) == []


def test_one_more_scheme_is_one_more_row(tmp_path, monkeypatch):
    monkeypatch.setattr(
        master_key_providers,
        "PROVIDERS_BY_SCHEME",
        {**master_key_providers.PROVIDERS_BY_SCHEME, "twice": _Twice},
    )
    assert master_keys.load_master_keys(f"twice:{ONE}", tmp_path).current == "a"


class _Twice:
    def __init__(self, rest: str) -> None:
        self.rest = rest

    def read_key_entries(self) -> str:
        return f"a:{self.rest},b:{TWO}"


def test_entries_in_the_setting_do_not_show_themselves():
    given = SettingProvider(f"a:{ONE}")
    assert given.read_key_entries() == f"a:{ONE}"
    assert ONE not in repr(given)


def test_embedded_keys_are_made_once_and_are_private(tmp_path):
    folder = tmp_path / "deep" / "instance"
    made = master_keys.load_master_keys("", folder)
    assert master_keys.load_master_keys("", folder).keys == made.keys
    assert made.current.startswith("demo-")
    assert stat.S_IMODE((folder / "master.keys").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert os.listdir(folder) == ["master.keys"]


def _made(folder) -> str:
    return EmbeddedProvider(folder).read_key_entries()


def test_processes_that_start_at_once_agree_on_one_key(tmp_path):
    told = at_once([partial(_made, tmp_path / "instance")] * 12, lambda: None)
    assert len(set(told)) == 1


def test_keys_from_a_file_or_a_reason_why_not(tmp_path):
    path = tmp_path / "keys"
    with pytest.raises(KeyUnavailable, match="cannot be read"):
        master_keys.load_master_keys(f"file:{path}", tmp_path)
    path.write_text(f"# none\n{ONE}")
    path.chmod(0o640)
    with pytest.raises(KeyUnavailable, match="chmod 600"):
        master_keys.load_master_keys(f"file:{path}", tmp_path)
    path.chmod(0o600)
    with pytest.raises(KeyUnavailable):
        master_keys.load_master_keys(f"file:{path}", tmp_path)
    path.write_text(f"b:{TWO}\na:{ONE}\n")
    assert master_keys.load_master_keys(f"file:{path}", tmp_path).current == "b"
    assert master_keys.load_master_keys(f"a:{ONE}", tmp_path).current == "a"
    assert master_keys.parse_master_keys(
        master_key_providers.generate_key_entry("prod")
    ).current.startswith("prod-")


def test_keys_from_a_command_or_a_reason_why_not(tmp_path):
    script = tmp_path / "kms"
    script.write_text(f"#!/bin/sh\necho b:{TWO}\necho a:{ONE}\n")
    script.chmod(0o700)
    assert master_keys.load_master_keys(f"command:{script} --quiet", tmp_path).current == "b"
    script.write_text("#!/bin/sh\necho secret >&2; echo secret; exit 3\n")
    with pytest.raises(KeyUnavailable, match="ended with 3") as error:
        master_keys.load_master_keys(f"command:{script}", tmp_path)
    assert "secret" not in str(error.value)
    for wrong in ("/nowhere/kms", "", "'"):
        with pytest.raises(KeyUnavailable, match="cannot be run"):
            master_keys.load_master_keys(f"command:{wrong}", tmp_path)
    script.write_text("#!/bin/sh\necho nothing\n")
    with pytest.raises(KeyUnavailable, match="id:base64"):
        master_keys.load_master_keys(f"command:{script}", tmp_path)


def test_a_command_that_hangs_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(master_key_providers, "COMMAND_TIMEOUT_SECONDS", 0.2)
    with pytest.raises(KeyUnavailable, match="TimeoutExpired"):
        master_keys.load_master_keys("command:sleep 20", tmp_path)
