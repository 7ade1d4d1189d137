"""The time as it was promised to the customer: what their clock will show.

A country can change its clocks' rules after a call was booked. What was promised is the time on
the wall, so it is kept beside the instant, and the instant follows it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from scheduling.models import Callback

ZoneLookup = Callable[[str], ZoneInfo]
_LOCAL_FORMAT = "%Y-%m-%dT%H:%M"


def record_local_time(callback: Callback, zone: str, zones: ZoneLookup = ZoneInfo) -> None:
    """Keep what the clocks of ``zone`` will show at the callback's instant."""
    local = callback.starts_at.astimezone(zones(zone))
    callback.wall, callback.wall_zone, callback.wall_fold = (
        f"{local:{_LOCAL_FORMAT}}",
        zone,
        local.fold,
    )


def promised_instant(callback: Callback, zones: ZoneLookup = ZoneInfo) -> datetime:
    """The instant, in UTC, at which the clocks will show what was promised. A time that they have
    come to skip is read with the offset before the change (PEP 495)."""
    if callback.wall is None or callback.wall_zone is None:
        return callback.starts_at
    local = datetime.strptime(callback.wall, _LOCAL_FORMAT).replace(fold=callback.wall_fold)  # noqa: DTZ007
    return local.replace(tzinfo=zones(callback.wall_zone)).astimezone(UTC)
