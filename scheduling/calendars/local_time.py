"""Converts local time to instants (rule T1). Pure functions of plain values."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from config.domain_errors import ErrorCode
from people.errors import InvalidInput
from scheduling.error_codes import SchedulingErrorCode


class AmbiguousTime(InvalidInput):
    """The local time occurs twice; ``instants`` are both, in order."""

    def __init__(
        self, code: ErrorCode, instants: tuple[datetime, datetime], **parameters: object
    ) -> None:
        super().__init__("starts_at", code, **parameters)
        self.instants = instants


def local_to_instant(on: date, at: time, zone: ZoneInfo) -> datetime:
    """Return the instant, in UTC, of a local day and time in ``zone``.

    Raise ``InvalidInput`` for a local time that is skipped, and :class:`AmbiguousTime` for one that
    occurs twice (PEP 495).
    """
    shown = datetime.combine(on, at.replace(tzinfo=None, fold=0))
    first = shown.replace(tzinfo=zone).astimezone(UTC)
    second = shown.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) != shown:
        raise InvalidInput(
            "starts_at",
            SchedulingErrorCode.TIME_SKIPPED,
            at=at,
            on=on,
        )
    if first != second:
        raise AmbiguousTime(
            SchedulingErrorCode.TIME_AMBIGUOUS,
            (first, second),
            at=at,
            on=on,
        )
    return first


def local_day_bounds(on: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the instants, in UTC, at which a local day in ``zone`` begins and ends."""
    begin = datetime.combine(on, time(0), zone)
    end = datetime.combine(on + timedelta(days=1), time(0), zone)
    return begin.astimezone(UTC), end.astimezone(UTC)
