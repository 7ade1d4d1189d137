"""Instants are the same on both databases, and ids sort by when they were made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import RFC_4122
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.exc import StatementError
from sqlmodel import select

from messaging.models import Heartbeat
from storage.column_types import UtcDateTime, new_id

INSTANT = datetime(2026, 10, 25, 1, 30, 15, 123456, tzinfo=UTC)
ZONES = [UTC, ZoneInfo("America/New_York"), timezone(timedelta(hours=5, minutes=45))]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("at", [INSTANT, INSTANT.replace(hour=0), INSTANT.replace(year=1969)])
def test_an_instant_comes_back_as_it_was_in_utc(store, zone, at):
    with store.unit() as session:
        session.add(Heartbeat(name="x", at=at.astimezone(zone)))
    found = store.all(select(Heartbeat))[0].at
    assert (found, found.tzinfo) == (at, UTC)


def test_the_hour_that_comes_twice_is_two_instants(store):
    london = ZoneInfo("Europe/London")
    first = datetime(2026, 10, 25, 1, 30, tzinfo=london)
    with store.unit() as session:
        session.add(Heartbeat(name="a", at=first))
        session.add(Heartbeat(name="b", at=first.replace(fold=1)))
    found = {row.name: row.at for row in store.all(select(Heartbeat))}
    assert found["b"] - found["a"] == timedelta(hours=1)


def test_instants_are_compared_as_instants(store):
    with store.unit() as session:
        session.add(Heartbeat(name="x", at=INSTANT.astimezone(ZONES[2])))
        later = select(Heartbeat).where(Heartbeat.at < INSTANT.astimezone(ZONES[1]))
        assert session.exec(later).all() == []
        until = select(Heartbeat).where(Heartbeat.at <= INSTANT.astimezone(ZONES[1]))
        assert len(session.exec(until).all()) == 1


def test_a_time_without_a_zone_is_refused(store):
    with pytest.raises((StatementError, ValueError), match="zone"), store.unit() as session:
        session.add(Heartbeat(name="x", at=INSTANT.replace(tzinfo=None)))
    assert store.all(select(Heartbeat)) == []
    assert UtcDateTime().process_bind_param(None, None) is None


def test_ids_are_of_version_7_unlike_and_in_order_of_their_milliseconds():
    made = [new_id() for _ in range(5000)]
    assert len(set(made)) == len(made)
    assert {(item.version, item.variant) for item in made} == {(7, RFC_4122)}
    stamps = [item.int >> 80 for item in made]
    assert stamps == sorted(stamps)
    assert abs(stamps[-1] / 1000 - datetime.now(UTC).timestamp()) < 60


def test_of_two_in_one_millisecond_the_later_sorts_later(monkeypatch):
    begin = 1_790_000_000_000_000_000
    ticks = iter(range(begin, begin + 2_000_000, 250))  # nanoseconds
    monkeypatch.setattr("storage.column_types.time.time_ns", lambda: next(ticks))
    made = [new_id() for _ in range(8000)]
    assert made == sorted(made)
