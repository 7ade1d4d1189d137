"""The local time that was promised to the customer.

A country can change its clock rules after a call was booked. The promise is the local time, so it
is stored with the instant, and the instant is adjusted to it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from scheduling.models import Callback

ZoneLookup = Callable[[str], ZoneInfo]
_LOCAL_FORMAT = "%Y-%m-%dT%H:%M"


def record_local_time(callback: Callback, zone: str, zones: ZoneLookup = ZoneInfo) -> None:
    """Store the local time of the callback's instant in ``zone``."""
    local = callback.starts_at.astimezone(zones(zone))
    callback.wall, callback.wall_zone, callback.wall_fold = (
        f"{local:{_LOCAL_FORMAT}}",
        zone,
        local.fold,
    )


def promised_instant(callback: Callback, zones: ZoneLookup = ZoneInfo) -> datetime:
    """Return the instant, in UTC, of the promised local time.

    A local time that is skipped by now is read with the offset before the change (PEP 495).
    """
    if callback.wall is None or callback.wall_zone is None:
        return callback.starts_at
    local = datetime.strptime(callback.wall, _LOCAL_FORMAT).replace(fold=callback.wall_fold)  # noqa: DTZ007
    return local.replace(tzinfo=zones(callback.wall_zone)).astimezone(UTC)
