"""Finds valid limits, tokens and proxies that protect no one or lock everyone out. For
:mod:`config.settings_checks`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from limits import RateLimitItem, parse_many

from config.settings import Settings

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1", None)
MIN_TOKEN_CHARS = 16
_HOUR, _DAY = 3600, 86400
FaultRow = tuple[Literal["refuse", "warn"], str]


@dataclass(frozen=True)
class LimitBounds:
    """The sensible range of a limit: the hits within ``seconds``, and the reasons for the bounds. A
    limit above ``unsafe`` keeps production from starting."""

    setting: str
    seconds: int
    least: int
    most: int
    few: str
    many: str
    unsafe: int = 0


LIMIT_BOUNDS = (
    LimitBounds(
        "sign_in_limit",
        _DAY,
        5,
        200,
        "somebody who mistypes is locked out",
        "passwords and codes can be guessed",
        unsafe=1000,
    ),
    LimitBounds(
        "check_limit_per_number",
        _HOUR,
        20,
        6000,
        "a stranger who types a customer's number locks them out",
        "one number can be tried without end",
    ),
    LimitBounds(
        "check_limit_per_network",
        _HOUR,
        60,
        100_000,
        "customers who share an address lock each other out",
        "one stranger can fill the store",
    ),
    LimitBounds(
        "report_limit_per_network",
        _HOUR,
        5,
        1000,
        "customers who share an address cannot report",
        "one stranger can fill the store",
    ),
    LimitBounds(
        "page_number_limit_per_network",
        _DAY,
        10,
        5000,
        "customers who share an address cannot open their page",
        "page numbers can be guessed and texts asked for without end",
    ),
    LimitBounds(
        "calendar_limit_per_network",
        _HOUR,
        60,
        100_000,
        "calendars cannot be read",
        "addresses of calendars can be guessed",
    ),
)


def find_limit_faults(settings: Settings) -> list[FaultRow]:
    """Return the faults of all limits, each with its level and a sentence."""
    faults = [row for bounds in LIMIT_BOUNDS for row in _check_limit_bounds(settings, bounds)]
    faults += _check_mail_password(settings) + _check_redis_password(settings)
    return faults + _check_production_values(settings) if settings.in_production else faults


def _check_limit_bounds(settings: Settings, bounds: LimitBounds) -> list[FaultRow]:
    """Compare what the strictest window allows with the bounds."""
    allowed = strictest_allowance(parse_many(getattr(settings, bounds.setting)), bounds.seconds)
    name = f"VOUCHLINE_{bounds.setting.upper()}"
    length = "day" if bounds.seconds == _DAY else "hour"
    if allowed > bounds.most:
        level: Literal["refuse", "warn"] = (
            "refuse" if bounds.unsafe and allowed > bounds.unsafe else "warn"
        )
        allowance = f"{name} allows {allowed:,} in a{'n' if length == 'hour' else ''} {length}"
        return [(level, f"{allowance}: {bounds.many}. Allow at most {bounds.most:,}.")]
    if allowed < bounds.least:
        allowance = f"{name} allows {allowed:,} in a{'n' if length == 'hour' else ''} {length}"
        return [("warn", f"{allowance}: {bounds.few}. Allow at least {bounds.least:,}.")]
    return []


def strictest_allowance(windows: Sequence[RateLimitItem], seconds: int) -> int:
    """Return the number of hits that the strictest window allows within ``seconds``."""
    return min(
        window.amount
        * max(1, seconds // window.get_expiry())  # a longer window can begin at its end
        for window in windows
    )


def _check_mail_password(s: Settings) -> list[FaultRow]:
    server = urlsplit(s.smtp_url.get_secret_value())
    if server.scheme != "smtp" or not server.password or server.hostname in LOOPBACK_HOSTS:
        return []
    return [
        (
            "warn",
            "VOUCHLINE_SMTP_URL gives a password over smtp://, where TLS only begins if the server "
            "offers it: use smtps://.",
        )
    ]


def _check_redis_password(s: Settings) -> list[FaultRow]:
    storage = urlsplit(s.rate_storage)
    elsewhere = storage.scheme.startswith("redis") and storage.hostname not in LOOPBACK_HOSTS
    if not elsewhere or storage.password:
        return []
    return [
        (
            "warn",
            "VOUCHLINE_RATE_STORAGE names a Redis on another machine without a password: who "
            "reaches it can end all limits.",
        )
    ]


def _check_production_values(s: Settings) -> list[FaultRow]:
    faults: list[FaultRow] = []
    token = s.metrics_token.get_secret_value()
    if token and len(token) < MIN_TOKEN_CHARS:
        faults.append(
            (
                "warn",
                f"VOUCHLINE_METRICS_TOKEN can be guessed: take {MIN_TOKEN_CHARS} characters or more"
                " at random.",
            )
        )
    if s.log_level == "debug":
        faults.append(
            (
                "warn",
                "VOUCHLINE_LOG_LEVEL=debug logs what libraries send and receive, which can "
                "hold numbers and names: use info.",
            )
        )
    if not s.trusted_proxies:
        faults.append(
            (
                "warn",
                "VOUCHLINE_TRUSTED_PROXIES is 0, but https ends at a proxy, so all "
                "customers would count as one address: count the proxies before the server.",
            )
        )
    return faults
