"""Free slots against a slow search that is plainly right, on the days when clocks change too."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling import slots
from scheduling.slots import Rules

ZONES = ["Europe/London", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu"]
ZONES += ["Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia", "UTC", "Africa/Cairo"]
#: Days on which clocks somewhere among those change, and ordinary ones.
DAYS = [(2026, 3, 8), (2026, 3, 29), (2026, 4, 5), (2026, 10, 25), (2026, 11, 1), (2026, 11, 24)]
DAYS += [(2026, 12, 31), (2026, 4, 24), (2026, 10, 4), (2028, 2, 29)]
MINUTE = timedelta(minutes=1)


def slow_free(rules, busy, since, until, minutes):
    """Every minute of the call looked at on the wall, one after the other."""
    found, start = [], since.replace(hour=0, minute=0, second=0, microsecond=0)
    while start < until:
        quiet = all(_good(rules, busy, start + k * MINUTE) for k in range(minutes))
        whole = _one_stretch(rules, start, minutes) and _one_day(rules, start, minutes)
        if start >= since and quiet and whole:
            found.append(start)
        start += 15 * MINUTE
    return found


def _good(rules, busy, minute) -> bool:
    if int(minute.timestamp()) // 300 in busy:
        return False
    begin, end = rules.decent
    wall = minute.astimezone(rules.customer_zone).time()
    return wall >= begin and (end is None or wall < end)


def _one_day(rules, start, minutes) -> bool:
    if rules.decent == (time(0), None):
        return True
    last = start + (minutes - 1) * MINUTE
    zone = rules.customer_zone
    return start.astimezone(zone).date() == last.astimezone(zone).date()


def _one_stretch(rules, start, minutes) -> bool:
    if not rules.hours:
        return True
    on = start.astimezone(rules.agent_zone).date()
    return any(
        _instant(day, begin, rules.agent_zone) <= start
        and start + minutes * MINUTE <= _instant(day, end, rules.agent_zone)
        for day in (on - timedelta(days=1), on)
        for begin, end in rules.hours.get(day.weekday(), ())
    )


def _instant(on, minute, zone):
    """The first instant at which the wall shows that minute of the day, or a later one."""
    if minute == 24 * 60:
        on, minute = on + timedelta(days=1), 0
    wall = datetime(on.year, on.month, on.day, minute // 60, minute % 60)
    at = datetime(on.year, on.month, on.day, tzinfo=UTC) - timedelta(hours=15)
    while at.astimezone(zone).replace(tzinfo=None) < wall:
        at += 15 * MINUTE
    return at


hours = st.dictionaries(
    st.integers(0, 6),
    st.lists(
        st.tuples(st.integers(0, 92), st.integers(1, 8)).map(
            lambda pair: (pair[0] * 15, min(24 * 60, (pair[0] + 4 * pair[1]) * 15))
        ),
        min_size=1,
        max_size=2,
    ),
    max_size=7,
)
decent = st.sampled_from(
    [(time(8), time(21)), (time(0), None), (time(9, 30), time(17, 15)), (time(0), time(1))]
)


@settings(max_examples=120, deadline=None)
@given(
    day=st.sampled_from(DAYS),
    zones=st.tuples(st.sampled_from(ZONES), st.sampled_from(ZONES)),
    week=hours,
    decent=decent,
    minutes=st.sampled_from([5, 15, 20, 45, 120]),
    busy=st.sets(st.integers(0, 287), max_size=30),
)
def test_the_free_slots_are_those_of_a_slow_search(day, zones, week, decent, minutes, busy):
    since = datetime(*day, tzinfo=UTC)
    rules = Rules(week, ZoneInfo(zones[0]), ZoneInfo(zones[1]), decent)
    taken = {int(since.timestamp()) // 300 + each for each in busy}
    until = since + timedelta(days=1)
    assert list(slots.free(rules, taken, since, until, minutes)) == slow_free(
        rules, taken, since, until, minutes
    )


@settings(deadline=None)
@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),
    st.integers(5, 120),
)
def test_the_steps_of_a_call_are_all_it_touches_and_no_more(starts_at, minutes):
    found = slots.steps(starts_at, minutes)
    ends_at = starts_at + timedelta(minutes=minutes)
    first = datetime.fromtimestamp(found.start * 300, UTC)
    last = datetime.fromtimestamp(found.stop * 300, UTC)
    assert first <= starts_at < first + timedelta(minutes=5)
    assert last - timedelta(minutes=5) < ends_at <= last


LONDON = ZoneInfo("Europe/London")
SUNDAY = {6: [(0, 24 * 60)]}


@pytest.mark.parametrize(
    ("day", "hours_long"), [((2026, 3, 29), 23), ((2026, 10, 25), 25), ((2026, 11, 22), 24)]
)
def test_a_whole_working_day_is_as_long_as_the_day(day, hours_long):
    rules = Rules(SUNDAY, LONDON, LONDON, (time(0), None))
    middle = datetime(*day, 12, tzinfo=UTC)
    span = (middle - timedelta(days=2), middle + timedelta(days=2))
    assert len(list(slots.free(rules, set(), *span, 15))) == hours_long * 4


@pytest.mark.parametrize(("minutes", "fits"), [(15, True), (16, False)])
def test_a_call_may_end_exactly_when_the_hours_do(minutes, fits):
    at = datetime(2026, 11, 24, 16, 45, tzinfo=UTC)
    office = Rules({1: [(540, 1020)]}, LONDON, LONDON, (time(0), None))
    assert slots.at_work(office, at, minutes) == fits
    assert slots.decent(Rules({}, LONDON, LONDON, (time(8), time(17))), at, minutes) == fits
