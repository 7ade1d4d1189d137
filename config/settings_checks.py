"""Finds invalid and unsafe settings: for ``flask doctor``, and before production starts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from config import limit_checks
from config.contact_details import has_link
from config.languages.checks import find_setting_faults
from config.renamed_settings import describe_renaming
from config.server_checks import (
    LOOPBACK_HOSTS,
    FaultRow,
    check_server_connections,
)
from config.settings import Settings


@dataclass(frozen=True)
class SettingsFinding:
    """A fault to fix: ``refuse`` keeps production from starting, ``warn`` does not."""

    level: Literal["refuse", "warn"]
    sentence: str


def check_settings(settings: Settings) -> list[SettingsFinding]:
    """Return all findings about the settings, except those of the providers of texts and calls
    (:mod:`channels.startup.providers_from_settings`); the database is checked elsewhere."""
    faults: list[FaultRow] = [
        *_check_master_keys(settings),
        *_check_public_addresses(settings),
        *_check_sending(settings),
        *_check_rate_limits(settings),
        *_check_checkpoint_destinations(settings),
        *check_server_connections(settings),
        *limit_checks.find_limit_faults(settings),
        *_check_languages(settings),
        *(("warn", sentence) for sentence in find_renamings(settings)),
    ]
    return [SettingsFinding(*fault) for fault in faults]


def find_language_refusals(settings: Settings) -> list[str]:
    """Return the sentences about languages that would be answered in English, which prevent every
    start."""
    return [sentence for _, sentence in _check_languages(settings)]


def find_renamings(settings: Settings) -> list[str]:
    """Return a sentence for each setting that was given by its former name."""
    return [describe_renaming(former) for former in settings.former_names]


def _check_checkpoint_destinations(s: Settings) -> list[FaultRow]:
    if any(not address.startswith("file:") for address in s.checkpoints_to):
        return []
    return [
        (
            "warn",
            "VOUCHLINE_CHECKPOINTS_TO names no place outside this machine: anybody who has it can "
            "rewrite the audit log undetected.",
        )
    ]


def _check_master_keys(s: Settings) -> list[FaultRow]:
    keys = s.master_keys.get_secret_value()
    if not keys:
        return [
            (
                "refuse",
                "VOUCHLINE_MASTER_KEYS is not set: make one with 'flask --app app keys new' "
                "and keep it outside the database.",
            )
        ]
    if any(entry.startswith("demo") for entry in re.split(r"[,\s]+", keys)):
        return [("refuse", "VOUCHLINE_MASTER_KEYS holds a demo key: make a new one.")]
    return []


def _check_public_addresses(s: Settings) -> list[FaultRow]:
    faults: list[FaultRow] = []
    parts = urlsplit(s.base_url)
    public = parts.hostname not in LOOPBACK_HOSTS
    if parts.scheme not in ("http", "https") or not parts.hostname:
        faults.append(("refuse", "VOUCHLINE_PUBLIC_URL must look like https://check.example.org."))
    elif not s.public_url or not public or parts.scheme != "https":
        faults.append(
            (
                "refuse",
                "VOUCHLINE_PUBLIC_URL must be the https address customers and providers use.",
            )
        )
    if s.organisation == "Example Bank":
        faults.append(("refuse", "VOUCHLINE_ORGANISATION still has the example's name."))
    elif has_link(s.organisation):
        faults.append(
            (
                "refuse",
                "VOUCHLINE_ORGANISATION reads like a link, and no text of ours carries one: "
                "leave the address out.",
            )
        )
    if s.official_phone == "+442079460123":
        faults.append(("refuse", "VOUCHLINE_OFFICIAL_PHONE still has the example's number."))
    if public and not s.in_production:
        faults.append(
            (
                "warn",
                "The public address is not this machine: set VOUCHLINE_ENVIRONMENT=production.",
            )
        )
    if s.in_production and s.store_url.startswith("sqlite"):
        faults.append(("warn", "SQLite serves one machine: use PostgreSQL for more than a trial."))
    return faults


def _check_sending(s: Settings) -> list[FaultRow]:
    if all(entry.scheme == "simulator" for entry in s.sms_entries):
        return []
    faults: list[FaultRow] = []
    if s.bridge_calls and not re.fullmatch(r"\+[1-9][0-9]{6,14}", s.official_phone):
        faults.append(
            (
                "refuse",
                "VOUCHLINE_OFFICIAL_PHONE must be written like +442079460123: bridged calls "
                "show it to the customer.",
            )
        )
    if not s.spending_per_hour or not s.spending_per_day:
        faults.append(
            ("warn", "VOUCHLINE_SPENDING_PER_HOUR or _PER_DAY is 0: no limit on spending.")
        )
    if not s.countries:
        faults.append(("warn", "VOUCHLINE_COUNTRIES is not set: texts go to any country."))
    return faults


def _check_languages(s: Settings) -> list[FaultRow]:
    return [("refuse", sentence) for sentence in find_setting_faults(s.languages)]


def _check_rate_limits(s: Settings) -> list[FaultRow]:
    """Check the rate limits and where they are counted."""
    faults: list[FaultRow] = []
    if s.rate_storage.startswith("memory") and s.web_workers > 1:
        faults.append(
            (
                "refuse",
                "VOUCHLINE_RATE_STORAGE=memory:// counts in each web process apart: "
                "give a redis:// address, or set VOUCHLINE_WEB_WORKERS=1.",
            )
        )
    if s.in_production and not s.metrics_token.get_secret_value():
        faults.append(
            (
                "warn",
                "VOUCHLINE_METRICS_TOKEN is not set: /metrics is closed until it is.",
            )
        )
    if _is_ceiling_too_low(s):
        faults.append(
            (
                "warn",
                "VOUCHLINE_SPENDING_PER_HOUR or _PER_DAY is so low that what anybody can ask for "
                "(page numbers, answers to texts) is never sent: raise it, or "
                "VOUCHLINE_SPENDING_ANYBODY_PERCENT.",
            )
        )
    if s.calling_hours[0].hour == 0 and s.calling_hours[1] is None:
        faults.append(("warn", "VOUCHLINE_CALLING_HOURS allows calls at any hour of the night."))
    return faults


def _is_ceiling_too_low(s: Settings) -> bool:
    """Tell whether a third of a spending limit's public share is less than one call and one long
    text."""
    dearest = max(s.call_price, 2 * s.text_price)
    ceilings = [amount for amount in (s.spending_per_hour, s.spending_per_day) if amount]
    return any(ceiling * s.spending_anybody_percent / 300 < dearest for ceiling in ceilings)
