"""The worker's job that counts reports hour by hour, and opens a case when a wave has begun."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from incidents.cases.models import CaseEvidence, Kind
from incidents.cases.opening import Evidence, raise_case
from incidents.models import Report
from incidents.waves.chart import Alarm, Chart

KIND = "wave"
FOLD = "wave"
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


class Waves:
    """A job of the worker. It remembers the counts, so that it asks for what is new alone."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        self._counts: Counter[int] = Counter()
        self._known: int | None = None
        self._rests_until: datetime | None = None

    @property
    def __name__(self) -> str:
        return "waves"

    def __call__(self, session: Session, now: datetime) -> None:
        """Look once a minute."""
        if self._rests_until is not None and now < self._rests_until:
            return
        self._rests_until = now + EVERY
        first = self._count(session, now)
        if first is None:
            return
        alarm = judge(self._counts, first, now, self._zone)
        if alarm is not None and not _told_lately(session, now):
            raise_case(session, Kind.WAVE, FOLD, [_evidence(alarm, now)], now)

    def _count(self, session: Session, now: datetime) -> int | None:
        """Count what has come since the last whole hour but one, and forget what is too old; gives
        the first hour of which anything is known."""
        oldest = hour_of(now - PAST)
        again = max(oldest, (self._known or 0) - 1)
        for hour in [each for each in self._counts if each >= again or each < oldest]:
            del self._counts[hour]
        found = session.exec(select(Report.at).where(col(Report.at) >= begins(again)))
        self._counts.update(hour_of(each) for each in found)
        self._known = hour_of(now)
        earliest = session.exec(select(Report.at).order_by(col(Report.at)).limit(1)).first()
        return None if earliest is None else max(oldest, hour_of(earliest))


def _told_lately(session: Session, now: datetime) -> bool:
    found = select(CaseEvidence.id).where(
        col(CaseEvidence.kind) == KIND, col(CaseEvidence.at) > now - AGAIN_AFTER
    )
    return session.exec(found.limit(1)).first() is not None


def _evidence(alarm: Alarm, now: datetime) -> Evidence:
    facts: dict[str, str | int | float] = {
        "since": begins(alarm.since).isoformat(),
        "reports": alarm.found,
        "usual": round(alarm.usual, 1),
    }
    return Evidence(KIND, str(alarm.at), now, facts=dict(facts))
