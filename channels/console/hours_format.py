"""Working hours as text: ``09:00-12:30, 13:30-17:00``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from channels.error_codes import ChannelErrorCode
from people.errors import InvalidInput
from scheduling.calendars.intervals import DAY_MINUTES

_STRETCH = re.compile(r"([0-9]{1,2})(?::([0-9]{2}))?\s*[-–—]\s*([0-9]{1,2})(?::([0-9]{2}))?")
_LONGEST = 120


def parse_hours(text: str, field: str) -> list[tuple[int, int]]:
    """Parse working hours into sorted (begin, end) pairs in minutes of the day. Raises
    ``InvalidInput``."""
    if not text.strip():
        return []
    if len(text) > _LONGEST:
        raise InvalidInput(field, ChannelErrorCode.HOURS_INVALID)
    spans = sorted(_parse_day_stretch(part.strip(), field) for part in re.split(r"[,;]", text))
    for (_, end), (begin, _) in pairwise(spans):
        if begin < end:
            raise InvalidInput(field, ChannelErrorCode.HOURS_OVERLAP)
    return spans


def _parse_day_stretch(text: str, field: str) -> tuple[int, int]:
    parts = _STRETCH.fullmatch(text)
    if not parts:
        raise InvalidInput(field, ChannelErrorCode.HOURS_INVALID)
    h1, m1, h2, m2 = (int(part or 0) for part in parts.groups())
    begin, end = h1 * 60 + m1, h2 * 60 + m2
    if m1 > 59 or m2 > 59 or begin >= DAY_MINUTES or end > DAY_MINUTES:
        raise InvalidInput(field, ChannelErrorCode.HOURS_INVALID)
    if end <= begin:
        raise InvalidInput(field, ChannelErrorCode.HOURS_END_TOO_EARLY)
    return begin, end


def format_hours(hours: Sequence[tuple[int, int]]) -> str:
    """Format (begin, end) pairs; the inverse of :func:`parse_hours`."""
    return ", ".join(
        f"{_format_minute_of_day(begin)}-{_format_minute_of_day(end)}" for begin, end in hours
    )


def _format_minute_of_day(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
