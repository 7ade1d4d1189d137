"""Settings: read strictly from the environment, with an error that says what to write."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest
from pydantic import ValidationError

from config.settings import Settings


def read(monkeypatch, **environment: str) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Settings(_env_file=None)  # type: ignore[call-arg]


def test_without_any_it_is_the_demo(monkeypatch):
    found = read(monkeypatch)
    assert (found.environment, found.messaging, found.code_digits) == ("demo", "simulator", 6)
    assert found.store_url.startswith("sqlite:////")
    assert found.base_url == "http://localhost:5000"
    assert not found.in_production


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("08:00-21:00", (time(8), time(21))),
        (" 9:30-17:15 ", (time(9, 30), time(17, 15))),
        ("00:00-24:00", (time(0), None)),
        ("22:00-24:00", (time(22), None)),
    ],
)
def test_calling_hours(monkeypatch, text, hours):
    assert read(monkeypatch, VOUCHLINE_CALLING_HOURS=text).calling_hours == hours


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VOUCHLINE_CALLING_HOURS", "8-21"),
        ("VOUCHLINE_CALLING_HOURS", "21:00-08:00"),
        ("VOUCHLINE_CALLING_HOURS", "08:00-08:00"),
        ("VOUCHLINE_CALLING_HOURS", "08:00-25:00"),
        ("VOUCHLINE_CALLING_HOURS", "08:61-20:00"),
        ("VOUCHLINE_CALLING_HOURS", ""),
        ("VOUCHLINE_CODE_DIGITS", "5"),
        ("VOUCHLINE_CODE_DIGITS", "9"),
        ("VOUCHLINE_CODE_MINUTES", "11"),
        ("VOUCHLINE_CODE_MINUTES", "0"),
        ("VOUCHLINE_TIMEZONE", "Mars/Base"),
        ("VOUCHLINE_DEFAULT_REGION", "gb"),
        ("VOUCHLINE_DEFAULT_REGION", "GBR"),
        ("VOUCHLINE_ENVIRONMENT", "prod"),
        ("VOUCHLINE_MESSAGING", "pigeon"),
        ("VOUCHLINE_ORGANISATION", ""),
        ("VOUCHLINE_ORGANISATION", "x" * 41),
        ("VOUCHLINE_WEB_WORKERS", "0"),
        ("VOUCHLINE_TRUSTED_PROXIES", "-1"),
        ("VOUCHLINE_MIN_NOTICE_MINUTES", "-1"),
        ("VOUCHLINE_LOG_LEVEL", "loud"),
        ("PORT", "no"),
    ],
)
def test_what_cannot_be_meant_is_refused(monkeypatch, name, value):
    with pytest.raises(ValidationError):
        read(monkeypatch, **{name: value})


def test_twilios_own_names_and_port_are_read(monkeypatch):
    found = read(monkeypatch, TWILIO_AUTH_TOKEN="t", TWILIO_API_BASE="http://x", PORT="8000")
    assert found.twilio_auth_token.get_secret_value() == "t"
    assert (found.twilio_api_base, found.port) == ("http://x", 8000)
    assert found.base_url == "http://localhost:8000"


def test_lists_are_parted_by_commas_or_spaces(monkeypatch):
    found = read(monkeypatch, VOUCHLINE_COUNTRIES="GB, DE AT", VOUCHLINE_LANGUAGES="de,en")
    assert (found.countries, found.languages) == (("GB", "DE", "AT"), ("de", "en"))


def test_secrets_do_not_show_in_print_or_in_errors(monkeypatch):
    keys = {"VOUCHLINE_MASTER_KEYS": "hush-1", "TWILIO_AUTH_TOKEN": "hush-2"}
    keys["VOUCHLINE_METRICS_TOKEN"] = "hush-3"
    assert "hush" not in repr(read(monkeypatch, **keys))
    with pytest.raises(ValidationError) as told:
        read(monkeypatch, VOUCHLINE_CODE_DIGITS="hush-4")
    assert "hush" not in str(told.value)


def test_paths_and_addresses_are_made_whole(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    found = read(monkeypatch, VOUCHLINE_INSTANCE="here", VOUCHLINE_PUBLIC_URL="https://x.example//")
    assert found.instance == Path(tmp_path) / "here"
    assert found.base_url == "https://x.example"
    (tmp_path / ".env").write_text("VOUCHLINE_ORGANISATION=From the file\n")
    assert Settings(_env_file=".env").organisation == "From the file"  # type: ignore[call-arg]
