"""Similarity of two reported calls.

A sum of weights for fields that agree or differ. Each weight approximates the logarithm of how much
more often that is so between calls of one campaign than between any two calls (record linkage as in
Fellegi and Sunter 1969, Journal of the American Statistical Association 64: 1183-1210). The weights
are set by hand and evaluated on synthetic labelled weeks (``bench/case_grouping.py``), for want of
real ones. A shown number can be forged and often changes with each call, so a different one says
little.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

#: Two calls belong together from this score on.
GROUPING_THRESHOLD = 4.0
#: Calls further apart are not compared.
COMPARISON_WINDOW = timedelta(days=14)
_SAME_NUMBER, _OTHER_NUMBER, _BOTH_HIDDEN = 6.0, -0.5, 0.5
#: Weights by the share of the shorter account's words: different people recall different parts of
#: one script.
_SCRIPT = ((0.5, 3.5), (0.0, 2.0))
_FEW_IN_COMMON = (-1.5, -0.5, 0.5)
_TIME_WEIGHTS = (
    (timedelta(hours=2), 1.5),
    (timedelta(days=1), 1.0),
    (timedelta(days=3), 0.5),
    (timedelta(days=7), 0.0),
)
_LATER = -0.5
#: Facts that only we should know: callers who know the same ones have them from the same place.
_PRIVATE_KNOWLEDGE = {"ticket": 2.0, "product": 1.0}
_SOME_KNOWLEDGE, _OTHER_KNOWLEDGE = 0.5, -1.5
_SAME_NAME, _SAME_REQUEST = 1.5, 0.5
_WORD = re.compile(r"[^\W\d_]{4,}")
_MIN_WORDS = 3
_DIGITS = 8


@dataclass(frozen=True)
class ReportFeatures:
    """Features of a report. ``number`` holds the last digits shown, ``script`` the words of what
    was said, ``name`` who the caller claimed to be."""

    at: datetime
    number: str
    hidden: bool
    script: frozenset[str]
    knew: frozenset[str]
    wished: frozenset[str]
    name: str


def build_report_features(
    at: datetime,
    *,
    shown_number: str,
    hidden: bool,
    said: str,
    knew: Sequence[str],
    asked_for: Sequence[str],
    claimed_to_be: str,
) -> ReportFeatures:
    """Build the features of a report; ``at`` is when the call was or, if unknown, when it was
    reported."""
    digits = "".join(char for char in unicodedata.normalize("NFKC", shown_number) if char.isdigit())
    return ReportFeatures(
        at,
        digits[-_DIGITS:] if len(digits) >= _DIGITS - 2 else "",
        hidden,
        _extract_script_words(said),
        frozenset(knew) - {"other"},
        frozenset(asked_for) - {"nothing", "other"},
        " ".join(sorted(_extract_script_words(claimed_to_be))),
    )


def _extract_script_words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def score_similarity(one: ReportFeatures, other: ReportFeatures) -> float:
    """Return the similarity; minus infinity for calls that are too far apart."""
    apart = abs(one.at - other.at)
    if apart > COMPARISON_WINDOW:
        return float("-inf")
    time = next((weight for within, weight in _TIME_WEIGHTS if apart <= within), _LATER)
    parts = (_score_shown_number, _score_script, _score_knowledge, _score_name_and_request)
    return time + sum(part(one, other) for part in parts)


def _score_shown_number(one: ReportFeatures, other: ReportFeatures) -> float:
    if one.number and other.number:
        return _SAME_NUMBER if one.number == other.number else _OTHER_NUMBER
    return _BOTH_HIDDEN if one.hidden and other.hidden else 0.0


def _score_script(one: ReportFeatures, other: ReportFeatures) -> float:
    shorter = min(len(one.script), len(other.script))
    if shorter < _MIN_WORDS:
        return 0.0
    common = len(one.script & other.script)
    if common < _MIN_WORDS:
        return _FEW_IN_COMMON[common]
    return next(weight for least, weight in _SCRIPT if common >= least * shorter)


def _score_knowledge(one: ReportFeatures, other: ReportFeatures) -> float:
    if not one.knew or not other.knew:
        return 0.0
    common = one.knew & other.knew
    if not common:
        return _OTHER_KNOWLEDGE
    if ours := sum(_PRIVATE_KNOWLEDGE.get(field, 0.0) for field in common):
        return ours
    return _SOME_KNOWLEDGE if len(common) * 2 >= len(one.knew | other.knew) else 0.0


def _score_name_and_request(one: ReportFeatures, other: ReportFeatures) -> float:
    name = _SAME_NAME if one.name and one.name == other.name else 0.0
    return name + (_SAME_REQUEST if one.wished & other.wished else 0.0)
