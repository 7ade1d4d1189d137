"""The checks that are sent: numbers (E.164), codes and shares.

Every request comes from its own address, as on the day of a breach.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass

#: The headline: most people who check are not being called; a live call is checked once by its
#: customer, and once with a mistyped or guessed code.
HEADLINE = {"nobody": 60, "wrong": 20, "genuine": 20}
KINDS = {kind: {kind: 100} for kind in HEADLINE}
QUIET_CUSTOMERS = 500  # customers who are not being called, in addition to strangers
_STRANGERS = 50_000_000  # numbers from here on belong to no customer


def number(i: int) -> str:
    """Return the phone number of customer ``i`` (a possible British mobile number)."""
    return f"+4474{i:08d}"


@dataclass(frozen=True)
class Numbers:
    """``live`` pairs of number and right code; ``quiet`` numbers that are not being called."""

    live: Sequence[tuple[str, str]]
    quiet: Sequence[str]


def strangers() -> list[str]:
    """Return numbers that belong to no customer."""
    return [number(_STRANGERS + i) for i in range(5_000)]


def requests(numbers: Numbers, shares: dict[str, int], count: int, seed: int) -> list[bytes]:
    """Return up to ``count`` shuffled requests in the given percentages.

    A right code is sent once, so there are at most as many of those as live calls; the other kinds
    are reduced in proportion.
    """
    pick = random.Random(seed)
    if "genuine" in shares:
        count = min(count, len(numbers.live) * 100 // shares["genuine"])
    pairs: list[tuple[str, str]] = []
    for kind, share in shares.items():
        pairs += _pairs(numbers, kind, count * share // 100, pick)
    pick.shuffle(pairs)
    return [_request(phone, code, pick) for phone, code in pairs]


def _pairs(numbers: Numbers, kind: str, count: int, pick: random.Random) -> list[tuple[str, str]]:
    if kind == "genuine":
        return pick.sample(numbers.live, count)
    if kind == "nobody":
        return [(phone, _digits(pick)) for phone in pick.choices(numbers.quiet, k=count)]
    chosen = pick.choices(numbers.live, k=count)
    return [(phone, _other(code)) for phone, code in chosen]


def _digits(pick: random.Random) -> str:
    return f"{pick.randrange(1_000_000):06d}"


def _other(code: str) -> str:
    """Return the code with a wrong first digit."""
    return str((int(code[0]) + 1) % 10) + code[1:]


def _request(phone: str, code: str, pick: random.Random) -> bytes:
    body = json.dumps({"phone": phone, "code": code}).encode()
    address = f"10.{pick.randrange(256)}.{pick.randrange(256)}.{pick.randrange(256)}"
    head = (
        "POST /api/v1/checks HTTP/1.1\r\nHost: check.example.org\r\n"
        f"X-Forwarded-For: {address}\r\nX-Forwarded-Proto: https\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
