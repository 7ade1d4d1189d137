"""Starting: settings that are wrong or unsafe stop it with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import create_app
from channels.startup.startup_checks import check_settings, find_start_refusals
from config.renamed_settings import RENAMED_SETTINGS
from config.settings import Settings
from tests.forked_flask import clean_environment, run_flask
from vault.keys import master_keys

ROOT = Path(__file__).resolve().parents[3]
SAFE = {
    "environment": "production",
    "master_keys": "k-1:" + "A" * 43 + "=",
    "public_url": "https://check.bank.example",
    "organisation": "Bank",
    "official_phone": "+442071234567",
    "messaging": "twilio",
    "twilio_account_sid": "AC" + "0" * 32,
    "twilio_auth_token": "t",
    "twilio_from_number": "+442071234567",
    "metrics_token": "m" * 32,
    "trusted_proxies": 1,
    "countries": "GB",
    "checkpoints_to": "https://witness.example/log",
    "database_url": "postgresql+psycopg://localhost/x",
}


def settings(**changes) -> Settings:
    return Settings(_env_file=None, **{**SAFE, **changes})


def test_safe_settings_start():
    assert find_start_refusals(settings()) == []
    assert check_settings(settings()) == []


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"master_keys": ""}, "MASTER_KEYS"),
        ({"master_keys": "demo-1:" + "A" * 43 + "="}, "demo key"),
        ({"public_url": ""}, "PUBLIC_URL"),
        ({"public_url": "http://check.bank.example"}, "PUBLIC_URL"),
        ({"public_url": "https://localhost"}, "PUBLIC_URL"),
        ({"organisation": "Example Bank"}, "ORGANISATION"),
        ({"official_phone": "+442079460123"}, "OFFICIAL_PHONE"),
        ({"messaging": "simulator"}, "simulator"),
        ({"twilio_auth_token": ""}, "TWILIO_AUTH_TOKEN"),
        ({"twilio_account_sid": ""}, "TWILIO_ACCOUNT_SID"),
        ({"twilio_from_number": ""}, "TWILIO_FROM_NUMBER"),
        ({"second_twilio_auth_token": "x"}, "SECOND_TWILIO_FROM_NUMBER"),
        ({"web_workers": 2}, "RATE_STORAGE"),
    ],
    ids=str,
)
def test_production_refuses_unsafe_settings_and_says_why(change, word, tmp_path):
    unsafe = settings(**change, instance=tmp_path)
    assert any(word in sentence for sentence in find_start_refusals(unsafe))
    with pytest.raises(SystemExit, match=word):
        create_app(unsafe)


def test_a_wrong_setting_stops_the_start_with_a_sentence(tmp_path):
    done = flask("db", "upgrade", tmp_path, VOUCHLINE_CALLING_HOURS="late")
    assert done.returncode != 0
    assert "08:00-21:00" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_former_name_of_a_setting_works_and_warns(tmp_path):
    done = flask("db", "upgrade", tmp_path, VOUCHLINE_DECENT_HOURS="09:00-20:00")
    assert done.returncode == 0, done.stderr
    sentence = "VOUCHLINE_DECENT_HOURS is now VOUCHLINE_CALLING_HOURS; the old name works until"
    assert sentence in done.stderr
    seen = flask("doctor", "", tmp_path, VOUCHLINE_DECENT_HOURS="09:00-20:00")
    assert f"! {sentence}" in seen.stdout


def test_two_names_of_a_setting_with_different_values_stop_the_start(tmp_path):
    both = {"VOUCHLINE_DECENT_HOURS": "09:00-20:00", "VOUCHLINE_CALLING_HOURS": "10:00-20:00"}
    done = flask("db", "upgrade", tmp_path, **both)
    assert done.returncode != 0
    assert "remove VOUCHLINE_DECENT_HOURS, which is the former name." in done.stderr
    assert "Traceback" not in done.stderr


def test_master_keys_that_cannot_be_read_stop_the_start(tmp_path):
    done = flask("db", "upgrade", tmp_path, VOUCHLINE_MASTER_KEYS="file:/nowhere")
    assert done.returncode != 0
    assert "MASTER_KEYS" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_doctor_says_what_to_mend_in_the_demo(tmp_path):
    flask("db", "upgrade", tmp_path)
    done = flask("doctor", "", tmp_path)
    assert done.returncode == 1
    assert "simulator" in done.stdout
    assert "MASTER_KEYS" in done.stdout


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ({"VOUCHLINE_SMS": "telnyx:"}, "TELNYX_API_KEY is not set"),
        ({"VOUCHLINE_SMS": "twilio:"}, "TWILIO_ACCOUNT_SID is not set"),
        ({"VOUCHLINE_MESSAGING": "twilio"}, "TWILIO_AUTH_TOKEN is not set"),
        ({"VOUCHLINE_VOICE": "telnyx:"}, "VOUCHLINE_VOICE names telnyx:, which places no calls"),
    ],
    ids=str,
)
def test_the_doctor_says_what_the_provider_lacks(named, words, tmp_path):
    flask("db", "upgrade", tmp_path)
    done = flask("doctor", "", tmp_path, **named)
    assert words in done.stdout, done.stderr
    assert "Traceback" not in done.stderr


def test_production_refuses_a_store_with_demo_people(tmp_path):
    assert flask("demo", "", tmp_path).returncode == 0
    live = {f"VOUCHLINE_{k.upper()}": str(v) for k, v in SAFE.items() if not k.startswith("twilio")}
    live |= {k.upper(): v for k, v in SAFE.items() if k.startswith("twilio")}
    live |= {
        "VOUCHLINE_DATABASE_URL": f"sqlite:///{tmp_path}/vouchline.sqlite3",
        "VOUCHLINE_MASTER_KEYS": "k-" + (tmp_path / "master.keys").read_text().strip()[5:],
    }
    for command in ("worker", "serve"):
        done = flask(command, "", tmp_path, **live)
        assert done.returncode != 0
        assert "demo staff" in done.stderr


def test_staff_and_tokens_come_from_the_command_line(tmp_path):
    flask("db", "upgrade", tmp_path)
    add = ["--email", "Ana@Example.org", "--name", "Ana Silva", "--role", "agent"]
    added = flask("staff", "add", tmp_path, *add)
    assert "/staff/enrol/" in added.stdout.splitlines()[-1]
    again = flask("staff", "add", tmp_path, *add)
    assert again.returncode != 0
    assert "exists already" in again.stderr
    token = flask("token", "add", tmp_path, "--staff", "ana@example.org")
    assert token.stdout.splitlines()[-1].startswith("vl_")
    assert flask("staff", "off", tmp_path, "--email", "ana@example.org").returncode == 0
    assert flask("token", "add", tmp_path, "--staff", "ana@example.org").returncode != 0


def test_commands_on_a_store_that_is_not_migrated_say_what_to_do(tmp_path):
    done = flask("token", "add", tmp_path, "--staff", "ana@example.org")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr


def test_a_new_master_key_can_be_used_as_it_is_printed(tmp_path):
    done = flask("keys", "new", tmp_path, VOUCHLINE_ENVIRONMENT="production")
    assert done.returncode == 0, done.stderr
    assert len(master_keys.parse_master_keys(done.stdout).keys) == 1


def test_every_setting_is_documented():
    text = (ROOT / "docs" / "operators" / "configuration.md").read_text()
    for name in [*Settings.model_fields, *RENAMED_SETTINGS]:
        if name == "former_names":  # not a setting
            continue
        assert name.upper() in text, name


def flask(command: str, sub: str, instance: Path, *args: str, **env: str):
    words = [w for w in (command, sub, *args) if w]
    return run_flask(*words, env=clean_environment(VOUCHLINE_INSTANCE=str(instance), **env))
