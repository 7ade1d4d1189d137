"""Production refuses to start on what is unsafe, one sentence for each, and on nothing else."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from app import create_app
from channels.startup import startup_checks
from config.settings import Settings
from tests.databases import MASTER_KEYS

SAFE: dict[str, Any] = {
    "checkpoints_to": ("https://witness.example/log",),
    "environment": "production",
    "database_url": "postgresql+psycopg://u@db/v",
    "public_url": "https://check.bank.example",
    "organisation": "Bank",
    "official_phone": "+442079460000",
    "messaging": "twilio",
    "twilio_account_sid": "AC1",
    "twilio_auth_token": "t",
    "twilio_from_number": "+442079460001",
    "rate_storage": "redis://cache",
    "web_workers": 4,
    "master_keys": MASTER_KEYS,
    "metrics_token": "m",
}
UNSAFE = [
    ({"master_keys": ""}, "MASTER_KEYS is not set"),
    ({"master_keys": MASTER_KEYS.replace("test-1", "demo-1")}, "demo key"),
    ({"master_keys": f"{MASTER_KEYS}, demo-2:x"}, "demo key"),
    ({"master_keys": f"{MASTER_KEYS}\ndemo-2:x"}, "demo key"),
    ({"master_keys": f"{MASTER_KEYS} demo-2:x"}, "demo key"),
    ({"public_url": ""}, "PUBLIC_URL must be the https"),
    ({"public_url": "http://check.bank.example"}, "PUBLIC_URL must be the https"),
    ({"public_url": "https://localhost"}, "PUBLIC_URL must be the https"),
    ({"public_url": "https://127.0.0.1:5000"}, "PUBLIC_URL must be the https"),
    ({"public_url": "https://[::1]"}, "PUBLIC_URL must be the https"),
    ({"public_url": "check.bank.example"}, "PUBLIC_URL must look like"),
    ({"public_url": "ftp://check.bank.example"}, "PUBLIC_URL must look like"),
    ({"organisation": "Example Bank"}, "ORGANISATION"),
    ({"official_phone": "+442079460123"}, "OFFICIAL_PHONE"),
    ({"messaging": "simulator"}, "simulator"),
    ({"twilio_account_sid": ""}, "TWILIO_ACCOUNT_SID"),
    ({"twilio_auth_token": ""}, "TWILIO_AUTH_TOKEN"),
    ({"twilio_from_number": ""}, "TWILIO_FROM_NUMBER"),
    ({"rate_storage": "memory://"}, "RATE_STORAGE"),
]
NOT_REFUSED = [
    {},
    {"rate_storage": "memory://", "web_workers": 1},
    {"twilio_from_number": "", "twilio_messaging_service_sid": "MG1"},
    {"database_url": "sqlite:////srv/store.sqlite3"},
    {"metrics_token": ""},
    {"calling_hours": (time(0), None)},
    {"public_url": "https://check.bank.example/"},
]


def made(changes: dict[str, Any]) -> Settings:
    return Settings(_env_file=None, **(SAFE | changes))  # type: ignore[call-arg]


@pytest.mark.parametrize(("changes", "sentence"), UNSAFE)
def test_each_unsafe_setting_is_refused_with_one_sentence_of_its_own(changes, sentence):
    found = startup_checks.find_start_refusals(made(changes))
    assert len(found) == 1
    assert sentence in found[0]
    assert found[0].endswith(".")


@pytest.mark.parametrize(("changes", "sentence"), UNSAFE)
def test_production_does_not_start_on_it_and_says_why(changes, sentence, tmp_path):
    with pytest.raises(SystemExit) as told:
        create_app(made({**changes, "instance": tmp_path}))
    assert sentence in str(told.value.code)
    assert "MDEyMzQ1" not in str(told.value.code)
    assert list(Path(tmp_path).iterdir()) == []


@pytest.mark.parametrize("changes", NOT_REFUSED)
def test_nothing_else_is_refused(changes):
    assert startup_checks.find_start_refusals(made(changes)) == []


@pytest.mark.parametrize(("changes", "sentence"), UNSAFE)
def test_a_demo_starts_all_the_same_and_the_doctor_names_it(changes, sentence):
    demo = made({**changes, "environment": "demo"})
    assert startup_checks.find_start_refusals(demo) == []
    assert any(sentence in setting.sentence for setting in startup_checks.check_settings(demo))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"database_url": "sqlite:////srv/x"}, "SQLite"),
        ({"metrics_token": ""}, "METRICS_TOKEN"),
        ({"calling_hours": "00:00-24:00"}, "CALLING_HOURS"),
        ({"spending_per_hour": "0.5"}, "SPENDING_ANYBODY_PERCENT"),
        ({"environment": "demo"}, "VOUCHLINE_ENVIRONMENT"),
    ],
)
def test_what_is_only_unwise_is_a_warning(changes, sentence):
    found = [
        setting
        for setting in startup_checks.check_settings(made(changes))
        if sentence in setting.sentence
    ]
    assert [item.level for item in found] == ["warn"]


LOOSE = [
    ({"metrics_token": "1"}, "METRICS_TOKEN can be guessed", "warn"),
    ({"metrics_token": "x" * 15}, "METRICS_TOKEN can be guessed", "warn"),
    ({"log_level": "debug"}, "LOG_LEVEL=debug", "warn"),
    ({"trusted_proxies": 0}, "TRUSTED_PROXIES is 0", "warn"),
    ({"smtp_url": "smtp://u:p@mail.example:25"}, "SMTP_URL gives a password", "warn"),
    ({"rate_storage": "redis://10.0.0.9:6379"}, "without a password", "warn"),
    ({"sign_in_limit": "1000000/second"}, "SIGN_IN_LIMIT allows 86,400,000,000 in a day", "refuse"),
    ({"sign_in_limit": "60/hour"}, "SIGN_IN_LIMIT allows 1,440 in a day", "refuse"),
    ({"sign_in_limit": "1000 per 2 hours; 900/day"}, "SIGN_IN_LIMIT allows 900", "warn"),
    ({"sign_in_limit": "2/day"}, "SIGN_IN_LIMIT allows 2 in a day: somebody who", "warn"),
    ({"check_limit_per_number": "1/hour"}, "PER_NUMBER allows 1 in an hour", "warn"),
    ({"check_limit_per_number": "100/second"}, "PER_NUMBER allows 360,000", "warn"),
    ({"check_limit_per_network": "5/hour"}, "CHECK_LIMIT_PER_NETWORK allows 5", "warn"),
    ({"report_limit_per_network": "9000/minute"}, "REPORT_LIMIT_PER_NETWORK allows", "warn"),
    (
        {"page_number_limit_per_network": "100/minute"},
        "PAGE_NUMBER_LIMIT_PER_NETWORK allows 144,000",
        "warn",
    ),
    ({"calendar_limit_per_network": "1/day"}, "CALENDAR_LIMIT_PER_NETWORK allows 1", "warn"),
]
#: Production as it should be: nothing is said about it.
TIGHT = {
    "trusted_proxies": 1,
    "metrics_token": "a-token-of-some-length-at-random",
    "rate_storage": "rediss://:password@cache",
    "database_url": "postgresql+psycopg://u@localhost/v",
    "countries": ("GB",),
}


@pytest.mark.parametrize(("changes", "sentence", "level"), LOOSE)
def test_limits_tokens_and_proxies_that_protect_nobody_are_named(changes, sentence, level):
    """Was red on c916469."""
    found = [
        setting
        for setting in startup_checks.check_settings(made(TIGHT | changes))
        if sentence in setting.sentence
    ]
    assert [item.level for item in found] == [level]
    assert found[0].sentence.endswith(".")


def test_of_production_as_it_should_be_nothing_is_said():
    assert startup_checks.check_settings(made(TIGHT)) == []


@pytest.mark.parametrize("name", ["sign_in_limit", "check_limit_per_number"])
@pytest.mark.parametrize("limit", ["", "many", "0/minute", "5", "-1/hour", "5/fortnight"])
def test_a_limit_that_is_none_is_refused_with_a_sentence(name, limit):
    """Was red on c916469: a traceback."""
    with pytest.raises(ValidationError, match="write the limits like"):
        made({name: limit})


def test_all_that_is_unsafe_is_said_at_once():
    demo_as_production = Settings(_env_file=None, environment="production")  # type: ignore[call-arg]
    assert len(startup_checks.find_start_refusals(demo_as_production)) == 5


def test_a_demo_key_in_a_file_is_refused_too(tmp_path):
    path = tmp_path / "keys"
    path.write_text(MASTER_KEYS.replace("test-1", "demo-1"))
    path.chmod(0o600)
    with pytest.raises(SystemExit, match="demo key"):
        create_app(made({"master_keys": f"file:{path}", "instance": tmp_path}))
