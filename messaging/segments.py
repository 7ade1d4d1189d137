"""Counts the segments of a text, which determine its price (3GPP TS 23.038 and 23.040)."""

from __future__ import annotations

from messaging.i18n import GSM7

#: These take two characters of a segment: an escape and the character itself.
_ESCAPED = frozenset("^{}\\[~]|€")


def count_segments(body: str) -> int:
    """Return the number of segments of a text.

    One segment holds 160 characters of seven bits, or 70 of sixteen; each of several holds a few
    less, because of the concatenation header.
    """
    if GSM7.issuperset(body):
        return _segments_needed(len(body) + sum(char in _ESCAPED for char in body), 160, 153)
    return _segments_needed(len(body.encode("utf-16-le")) // 2, 70, 67)


def _segments_needed(places: int, one: int, each: int) -> int:
    return 1 if places <= one else -(-places // each)
