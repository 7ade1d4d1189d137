"""How many segments a text takes, which is what it costs (3GPP TS 23.038 and 23.040)."""

from __future__ import annotations

from messaging.i18n import GSM7

#: These take two places of a segment, the escape and themselves.
_ESCAPED = frozenset("^{}\\[~]|€")


def count_segments(body: str) -> int:
    """Segments of a text: 160 places at seven bits, else 70 at sixteen; a few less of each when
    it takes several, for what joins them."""
    if GSM7.issuperset(body):
        return _segments_needed(len(body) + sum(char in _ESCAPED for char in body), 160, 153)
    return _segments_needed(len(body.encode("utf-16-le")) // 2, 70, 67)


def _segments_needed(places: int, one: int, each: int) -> int:
    return 1 if places <= one else -(-places // each)
