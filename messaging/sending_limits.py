"""What may be sent at all: to which countries, how often to one number, for how much money."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_CEILING, Decimal

import phonenumbers

from messaging.message_kinds import SMALL_BUDGETS

#: Of the ceiling on spending, what is kept for answers to customers who ask, at least; of that,
#: what is kept for verdicts on calls of ours and for warnings.
KEPT_FOR_ANSWERS, KEPT_FOR_VERDICTS = 0.2, 0.05
#: Of the ceiling, what the purses together may spend on what anybody can set off.
ANYONE_SHARE = 0.15
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}


@dataclass(frozen=True)
class NumberLimit:
    """So many within a length of time."""

    most: int
    within: timedelta


@dataclass(frozen=True)
class SendingLimits:
    """``countries`` are ISO 3166 codes, none allows all. Money is in millionths of the owner's
    currency; a ceiling of 0 is none. ``look_up_lines`` asks the provider, for money, what kind of
    line a number is before the first text to it. ``asked_per_number`` limits what anybody can set
    off (:mod:`messaging.message_kinds`), and ``per_number`` the rest; ``anybodys_share`` is the
    part of the ceilings that the first may cost."""

    countries: Sequence[str] = ()
    per_number: Sequence[NumberLimit] = ()
    segment_price: int = 0
    call_price: int = 0
    per_hour: int = 0
    per_day: int = 0
    look_up_lines: bool = False
    asked_per_number: Sequence[NumberLimit] = ()
    anybodys_share: float = ANYONE_SHARE

    @property
    def small_share(self) -> float:
        """The part of a ceiling that each of the small purses may spend."""
        return self.anybodys_share / len(SMALL_BUDGETS)

    @property
    def notices_share(self) -> float:
        """The part of a ceiling for what is neither set off by anybody nor an answer."""
        return 1.0 - max(KEPT_FOR_ANSWERS, self.anybodys_share + KEPT_FOR_VERDICTS)


def to_millionths(amount: Decimal) -> int:
    """Money as it is counted, rounded up."""
    return int((amount * 1_000_000).to_integral_value(ROUND_CEILING))


def parse_limits(text: str) -> tuple[NumberLimit, ...]:
    """From ``10/hour;30/day`` to limits. Raises ``ValueError``."""
    return tuple(_parse_number_limit(part.strip()) for part in text.split(";") if part.strip())


def _parse_number_limit(part: str) -> NumberLimit:
    most, _, unit = part.partition("/")
    if not most.strip().isdecimal() or unit.strip() not in _SECONDS:
        raise ValueError(f"write limits like 10/hour;30/day, not {part}")
    return NumberLimit(int(most), timedelta(seconds=_SECONDS[unit.strip()]))


def is_country_allowed(phone: str, countries: Sequence[str]) -> bool:
    """Whether a number (E.164) lies in one of the countries; all do when none is named."""
    return not countries or phonenumbers.region_code_for_number(phonenumbers.parse(phone)) in set(
        countries
    )
