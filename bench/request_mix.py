"""The checks that are sent: which numbers, which codes, in which shares.

Everybody asks from an address of their own, as on the day of a breach. A number is E.164.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass

#: The headline: most people who look in are not being called; a live call is checked once by its
#: customer, and as often by somebody who mistypes or guesses.
HEADLINE = {"nobody": 60, "wrong": 20, "genuine": 20}
KINDS = {kind: {kind: 100} for kind in HEADLINE}
QUIET_CUSTOMERS = 500  # customers whom nobody is calling, beside strangers
_STRANGERS = 50_000_000  # numbers from here on belong to no customer


def number(i: int) -> str:
    """The phone number of customer ``i`` (British mobile, possible but not checked further)."""
    return f"+4474{i:08d}"


@dataclass(frozen=True)
class Numbers:
    """``live`` pairs of number and right code; ``quiet`` numbers that nobody is calling."""

    live: Sequence[tuple[str, str]]
    quiet: Sequence[str]


def strangers() -> list[str]:
    """Numbers of nobody we know."""
    return [number(_STRANGERS + i) for i in range(5_000)]


def requests(numbers: Numbers, shares: dict[str, int], count: int, seed: int) -> list[bytes]:
    """Up to ``count`` requests in the given shares of a hundred, shuffled.

    A right code is sent once, so there are no more of those than live calls; the others shrink
    with them.
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
    """A code that is wrong in its first digit."""
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
