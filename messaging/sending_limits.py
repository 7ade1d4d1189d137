"""Limits of sending: countries, texts per number, and spending."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_CEILING, Decimal

import phonenumbers

from messaging.message_kinds import SMALL_BUDGETS

#: The share of the spending limit reserved for answers to customers, at least; and the part of
#: it for verdicts on our calls and for warnings.
KEPT_FOR_ANSWERS, KEPT_FOR_VERDICTS = 0.2, 0.05
#: The share of the spending limit that all small budgets may spend on messages that anyone can
#: trigger.
ANYONE_SHARE = 0.15
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}


@dataclass(frozen=True)
class NumberLimit:
    """At most ``most`` texts in a period ``within``."""

    most: int
    within: timedelta


@dataclass(frozen=True)
class SendingLimits:
    """Limits of countries, of texts per number, and of spending.

    ``countries`` are ISO 3166 codes; none allows all. Money is in millionths of the operator's
    currency; a limit of 0 means none. ``line_type_lookup`` makes a paid look-up of the line type
    before the first text to a number. ``asked_per_number`` limits messages that anyone can trigger
    (:mod:`messaging.message_kinds`), and ``per_number`` all others; ``anybodys_share`` is the share
    of the spending limits for the former.
    """

    countries: Sequence[str] = ()
    per_number: Sequence[NumberLimit] = ()
    segment_price: int = 0
    call_price: int = 0
    per_hour: int = 0
    per_day: int = 0
    line_type_lookup: bool = False
    asked_per_number: Sequence[NumberLimit] = ()
    anybodys_share: float = ANYONE_SHARE

    @property
    def small_share(self) -> float:
        """Return the share of a spending limit that each small budget may spend."""
        return self.anybodys_share / len(SMALL_BUDGETS)

    @property
    def notices_share(self) -> float:
        """Return the share of a limit for notices: no answers, and not triggered by anyone."""
        return 1.0 - max(KEPT_FOR_ANSWERS, self.anybodys_share + KEPT_FOR_VERDICTS)


def to_millionths(amount: Decimal) -> int:
    """Convert money to millionths, rounded up."""
    return int((amount * 1_000_000).to_integral_value(ROUND_CEILING))


def parse_limits(text: str) -> tuple[NumberLimit, ...]:
    """Parse limits like ``10/hour;30/day``. Raise ``ValueError``."""
    return tuple(_parse_number_limit(part.strip()) for part in text.split(";") if part.strip())


def _parse_number_limit(part: str) -> NumberLimit:
    most, _, unit = part.partition("/")
    if not most.strip().isdecimal() or unit.strip() not in _SECONDS:
        raise ValueError(f"write limits like 10/hour;30/day, not {part}")
    return NumberLimit(int(most), timedelta(seconds=_SECONDS[unit.strip()]))


def is_country_allowed(phone: str, countries: Sequence[str]) -> bool:
    """Return whether a number (E.164) is in one of the countries; an empty list allows all."""
    return not countries or phonenumbers.region_code_for_number(phonenumbers.parse(phone)) in set(
        countries
    )
