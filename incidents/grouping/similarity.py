"""How alike two reported calls are.

A sum of weights for what agrees and what differs, each about the logarithm of how much oftener it
is so between calls of one campaign than between any two (record linkage as in Fellegi and Sunter
1969, Journal of the American Statistical Association 64: 1183-1210). The weights are set by hand
and held against labelled weeks that are made up (``bench/case_grouping.py``), for want of real ones. A
shown number can be forged and is often another one each time, so a different one says little.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

#: From this on two calls belong together.
TOGETHER = 4.0
#: Calls further apart are not compared.
WINDOW = timedelta(days=14)
_SAME_NUMBER, _OTHER_NUMBER, _BOTH_HIDDEN = 6.0, -0.5, 0.5
#: By the share of the shorter account's words: of one script, different people tell other parts.
_SCRIPT = ((0.5, 3.5), (0.0, 2.0))
_FEW_IN_COMMON = (-1.5, -0.5, 0.5)
_TIMES = (
    (timedelta(hours=2), 1.5),
    (timedelta(days=1), 1.0),
    (timedelta(days=3), 0.5),
    (timedelta(days=7), 0.0),
)
_LATER = -0.5
#: What only we should know: whoever knows the same of it has it from the same place.
_OURS = {"ticket": 2.0, "product": 1.0}
_SOME_KNOWLEDGE, _OTHER_KNOWLEDGE = 0.5, -1.5
_SAME_NAME, _SAME_WISH = 1.5, 0.5
_WORD = re.compile(r"[^\W\d_]{4,}")
_LEAST_WORDS = 3
_DIGITS = 8


@dataclass(frozen=True)
class Features:
    """What of a report is compared. ``number`` are the last digits shown, ``script`` the words of
    what was said, ``name`` who the caller claimed to be."""

    at: datetime
    number: str
    hidden: bool
    script: frozenset[str]
    knew: frozenset[str]
    wished: frozenset[str]
    name: str


def features(
    at: datetime,
    *,
    shown_number: str,
    hidden: bool,
    said: str,
    knew: Sequence[str],
    asked_for: Sequence[str],
    claimed_to_be: str,
) -> Features:
    """From what a report says; ``at`` is when the call was, or when we were told."""
    digits = "".join(char for char in unicodedata.normalize("NFKC", shown_number) if char.isdigit())
    return Features(
        at,
        digits[-_DIGITS:] if len(digits) >= _DIGITS - 2 else "",
        hidden,
        _words(said),
        frozenset(knew) - {"other"},
        frozenset(asked_for) - {"nothing", "other"},
        " ".join(sorted(_words(claimed_to_be))),
    )


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def likeness(one: Features, other: Features) -> float:
    """How alike they are; minus infinity for calls that are too far apart."""
    apart = abs(one.at - other.at)
    if apart > WINDOW:
        return float("-inf")
    time = next((weight for within, weight in _TIMES if apart <= within), _LATER)
    parts = (_number, _script, _knowledge, _rest)
    return time + sum(each(one, other) for each in parts)


def _number(one: Features, other: Features) -> float:
    if one.number and other.number:
        return _SAME_NUMBER if one.number == other.number else _OTHER_NUMBER
    return _BOTH_HIDDEN if one.hidden and other.hidden else 0.0


def _script(one: Features, other: Features) -> float:
    shorter = min(len(one.script), len(other.script))
    if shorter < _LEAST_WORDS:
        return 0.0
    common = len(one.script & other.script)
    if common < _LEAST_WORDS:
        return _FEW_IN_COMMON[common]
    return next(weight for least, weight in _SCRIPT if common >= least * shorter)


def _knowledge(one: Features, other: Features) -> float:
    if not one.knew or not other.knew:
        return 0.0
    common = one.knew & other.knew
    if not common:
        return _OTHER_KNOWLEDGE
    if ours := sum(_OURS.get(field, 0.0) for field in common):
        return ours
    return _SOME_KNOWLEDGE if len(common) * 2 >= len(one.knew | other.knew) else 0.0


def _rest(one: Features, other: Features) -> float:
    name = _SAME_NAME if one.name and one.name == other.name else 0.0
    return name + (_SAME_WISH if one.wished & other.wished else 0.0)
