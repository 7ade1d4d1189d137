"""The worker's wave detection job: counts signals by hour and opens a case when a wave has begun.
It counts reports with refused callbacks and, separately, checks that failed while none of our
agents was calling."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from incidents.cases.creation import NewEvidence, open_or_extend_case
from incidents.cases.models import CaseEvidence, CaseKind
from incidents.reports import signals
from incidents.reports.models import Report, SignalRecord
from incidents.waves.cusum import CusumChart, WaveAlarm

EVIDENCE_KIND = "wave"
REPORTS, CHECKS = "reports", "checks"
HISTORY_LENGTH = timedelta(weeks=26)
RUN_INTERVAL = timedelta(minutes=1)
#: One wave raises at most one alarm a day.
REPEAT_ALARM_AFTER = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1)


def hours_since_epoch(at: datetime) -> int:
    """Return the hours since 1970, UTC."""
    return (at - _EPOCH) // _HOUR


def epoch_hour_start(hour: int) -> datetime:
    """Return when such an hour begins."""
    return _EPOCH + hour * _HOUR


def hour_of_week(hour: int, zone: ZoneInfo) -> int:
    """Return the hour of the week on the clock of a zone, from Monday 00:00."""
    local = epoch_hour_start(hour).astimezone(zone)
    return local.weekday() * 24 + local.hour


def detect_current_wave(
    counts: Mapping[int, int], since: int, now: datetime, zone: ZoneInfo
) -> WaveAlarm | None:
    """Return the current alarm, raised by the current hour or by the one before it.

    ``counts`` are the counts of all hours from ``since``.
    """
    chart, this = CusumChart(), hours_since_epoch(now)
    last: WaveAlarm | None = None
    for hour in range(since, this):
        last = chart.add_completed_hour(hour, hour_of_week(hour, zone), counts.get(hour, 0))
    share = (now - epoch_hour_start(this)) / _HOUR
    return last or chart.check_current_hour(
        this, hour_of_week(this, zone), counts.get(this, 0), share
    )


@dataclass
class _HourlySeries:
    """One series of hourly counts; ``known`` is the last hour counted."""

    name: str
    counts: Counter[int] = field(default_factory=Counter)
    known: int = 0

    def build_series_query(self, since: datetime) -> Any:
        """Build a query for the instants from ``since`` on."""
        if self.name == REPORTS:
            return select(Report.at).where(col(Report.at) >= since)
        return select(SignalRecord.at).where(
            col(SignalRecord.at) >= since, col(SignalRecord.kind) == signals.UNCONFIRMED
        )

    def update_hourly_counts(self, session: Session, now: datetime) -> int | None:
        """Update the counts from the last whole hour but one, and drop those that are too old.

        Returns the first hour with a count, or ``None``.
        """
        oldest = hours_since_epoch(now - HISTORY_LENGTH)
        again = max(oldest, self.known - 1)
        for hour in [count for count in self.counts if count >= again or count < oldest]:
            del self.counts[hour]
        self.counts.update(
            hours_since_epoch(at)
            for at in session.exec(self.build_series_query(epoch_hour_start(again)))
        )
        self.known = hours_since_epoch(now)
        earliest = min(self.counts, default=None)
        return None if earliest is None else max(oldest, earliest)


class WaveDetectionJob:
    """A job of the worker. It keeps the counts in memory, so that it queries only what is new."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        self._series = [_HourlySeries(REPORTS), _HourlySeries(CHECKS)]
        self._rests_until: datetime | None = None

    @property
    def __name__(self) -> str:
        return "waves"

    def __call__(self, session: Session, now: datetime) -> None:
        """Run once a minute."""
        if self._rests_until is not None and now < self._rests_until:
            return
        self._rests_until = now + RUN_INTERVAL
        for series in self._series:
            first = series.update_hourly_counts(session, now)
            if first is None:
                continue
            alarm = detect_current_wave(series.counts, first, now, self._zone)
            if alarm is not None and not _has_recent_wave_evidence(session, series.name, now):
                evidence = _build_wave_evidence(series.name, alarm, now)
                open_or_extend_case(session, CaseKind.WAVE, f"wave:{series.name}", [evidence], now)


def _has_recent_wave_evidence(session: Session, name: str, now: datetime) -> bool:
    statement = select(CaseEvidence.id).where(
        col(CaseEvidence.kind) == EVIDENCE_KIND,
        col(CaseEvidence.at) > now - REPEAT_ALARM_AFTER,
        col(CaseEvidence.ref).startswith(f"{name}:"),
    )
    return session.exec(statement.limit(1)).first() is not None


def _build_wave_evidence(name: str, alarm: WaveAlarm, now: datetime) -> NewEvidence:
    facts: dict[str, str | int | float] = {
        "what": name,
        "since": epoch_hour_start(alarm.since).isoformat(),
        "found": alarm.found,
        "usual": round(alarm.usual, 1),
    }
    return NewEvidence(EVIDENCE_KIND, f"{name}:{alarm.at}", now, facts=dict(facts))
