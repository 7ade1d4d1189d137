"""Formats of values that settings have in the environment."""

from __future__ import annotations

import re
from datetime import time

#: Begin and end of the hours of a day; ``None`` is the end of the day.
Hours = tuple[time, time | None]
_HOURS = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})")


def parse_hours(text: str) -> Hours:
    """Parse ``08:00-21:00`` to two times; an end of ``24:00`` is ``None``, the end of the day."""
    match = _HOURS.fullmatch(text.strip())
    if not match:
        raise ValueError("write the hours like 08:00-21:00, or 00:00-24:00 for any hour")
    h1, m1, h2, m2 = map(int, match.groups())
    end = None if (h2, m2) == (24, 0) else time(h2, m2)
    if end is not None and end <= time(h1, m1):
        raise ValueError("the end of the calling hours must be later than their start")
    return time(h1, m1), end
