"""The worker's job that counts hour by hour what people tell us, and opens a case when a wave has
begun: reports with refused callbacks, and beside them checks that failed while nobody rang."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from incidents.cases.creation import Evidence, raise_case
from incidents.cases.models import CaseEvidence, Kind
from incidents.reports import signals
from incidents.reports.models import Report, StreamItem
from incidents.waves.cusum import Alarm, Chart

KIND = "wave"
REPORTS, CHECKS = "reports", "checks"
PAST = timedelta(weeks=26)
EVERY = timedelta(minutes=1)
#: Of one wave there is one alarm a day.
AGAIN_AFTER = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1)


def hour_of(at: datetime) -> int:
    """Hours since 1970, UTC."""
    return (at - _EPOCH) // _HOUR


def begins(hour: int) -> datetime:
    """When such an hour begins."""
    return _EPOCH + hour * _HOUR


def hour_of_week(hour: int, zone: ZoneInfo) -> int:
    """Which hour of the week it is on the clock of a zone, from Monday's first."""
    local = begins(hour).astimezone(zone)
    return local.weekday() * 24 + local.hour


def judge(counts: Mapping[int, int], since: int, now: datetime, zone: ZoneInfo) -> Alarm | None:
    """The alarm that is on now, from the counts of all hours after ``since``: raised by the hour
    that has begun, or by the one before it."""
    chart, this = Chart(), hour_of(now)
    last: Alarm | None = None
    for hour in range(since, this):
        last = chart.add(hour, hour_of_week(hour, zone), counts.get(hour, 0))
    share = (now - begins(this)) / _HOUR
    return last or chart.now(this, hour_of_week(this, zone), counts.get(this, 0), share)


@dataclass
class _Series:
    """One thing that is counted, by hours; ``known`` is the last hour that was."""

    name: str
    counts: Counter[int] = field(default_factory=Counter)
    known: int = 0

    def times(self, since: datetime) -> Any:
        """A query for the instants from then on."""
        if self.name == REPORTS:
            return select(Report.at).where(col(Report.at) >= since)
        return select(StreamItem.at).where(
            col(StreamItem.at) >= since, col(StreamItem.kind) == signals.UNCONFIRMED
        )

    def count(self, session: Session, now: datetime) -> int | None:
        """Count what has come since the last whole hour but one, and forget what is too old; gives
        the first hour of which anything is known."""
        oldest = hour_of(now - PAST)
        again = max(oldest, self.known - 1)
        for hour in [each for each in self.counts if each >= again or each < oldest]:
            del self.counts[hour]
        self.counts.update(hour_of(at) for at in session.exec(self.times(begins(again))))
        self.known = hour_of(now)
        earliest = min(self.counts, default=None)
        return None if earliest is None else max(oldest, earliest)


class Waves:
    """A job of the worker. It remembers the counts, so that it asks for what is new alone."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        self._series = [_Series(REPORTS), _Series(CHECKS)]
        self._rests_until: datetime | None = None

    @property
    def __name__(self) -> str:
        return "waves"

    def __call__(self, session: Session, now: datetime) -> None:
        """Look once a minute."""
        if self._rests_until is not None and now < self._rests_until:
            return
        self._rests_until = now + EVERY
        for series in self._series:
            first = series.count(session, now)
            if first is None:
                continue
            alarm = judge(series.counts, first, now, self._zone)
            if alarm is not None and not _told_lately(session, series.name, now):
                evidence = _evidence(series.name, alarm, now)
                raise_case(session, Kind.WAVE, f"wave:{series.name}", [evidence], now)


def _told_lately(session: Session, name: str, now: datetime) -> bool:
    found = select(CaseEvidence.id).where(
        col(CaseEvidence.kind) == KIND,
        col(CaseEvidence.at) > now - AGAIN_AFTER,
        col(CaseEvidence.ref).startswith(f"{name}:"),
    )
    return session.exec(found.limit(1)).first() is not None


def _evidence(name: str, alarm: Alarm, now: datetime) -> Evidence:
    facts: dict[str, str | int | float] = {
        "what": name,
        "since": begins(alarm.since).isoformat(),
        "found": alarm.found,
        "usual": round(alarm.usual, 1),
    }
    return Evidence(KIND, f"{name}:{alarm.at}", now, facts=dict(facts))
