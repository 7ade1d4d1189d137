"""Free slots against a slow search that is plainly right, on the days when clocks change too."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scheduling.availability import slots
from scheduling.availability.slots import SlotRules

ZONES = ["Europe/London", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu"]
ZONES += ["Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia", "UTC", "Africa/Cairo"]
ZONES += ["America/Santiago", "Asia/Beirut", "Africa/Casablanca", "Pacific/Kiritimati"]
#: Days on which clocks somewhere among those change, one that Samoa left out, ordinary ones.
DAYS = [(2026, 3, 8), (2026, 3, 29), (2026, 4, 5), (2026, 10, 25), (2026, 11, 1), (2026, 11, 24)]
DAYS += [(2026, 12, 31), (2026, 4, 24), (2026, 10, 4), (2028, 2, 29), (2011, 12, 30)]
DAYS += [(2026, 9, 6), (2026, 4, 30), (2011, 12, 29), (2011, 12, 31)]
MINUTE = timedelta(minutes=1)
LONDON = ZoneInfo("Europe/London")
ALWAYS = (time(0), None)


def slow_free(rules, busy, since, until, minutes, others):
    """Every minute of the call looked at on both walls, one after the other."""
    found, start = [], datetime(since.year, since.month, since.day, tzinfo=UTC)
    while start < until:
        if start >= since and _good(rules, busy, others, start, minutes):
            found.append(start)
        start += 15 * MINUTE
    return found


def _good(rules, busy, others, start, minutes) -> bool:
    around = range(-rules.before, minutes + rules.after)
    if any(int((start + k * MINUTE).timestamp()) // 300 in busy for k in around):
        return False
    if any(int((start + k * MINUTE).timestamp()) // 300 in others for k in range(minutes)):
        return False
    moments = [start + k * MINUTE for k in range(minutes)]
    return all(_at_work(rules, moment) and _decent(rules, moment) for moment in moments)


def _at_work(rules, moment) -> bool:
    wall = moment.astimezone(rules.agent_zone)
    hours = rules.hours.get(wall.weekday(), []) if rules.hours else [(0, 1440)]
    if wall.date() in rules.holidays:
        hours = []
    hours = rules.dated.get(wall.date(), hours)
    if wall.date() in rules.off:
        hours = []
    return any(begin <= wall.hour * 60 + wall.minute < end for begin, end in hours)


def _decent(rules, moment) -> bool:
    begin, end = rules.decent
    wall = moment.astimezone(rules.customer_zone).time()
    return wall >= begin and (end is None or wall < end)


quarters = st.tuples(st.integers(0, 92), st.integers(1, 8)).map(
    lambda pair: (pair[0] * 15, min(24 * 60, (pair[0] + 4 * pair[1]) * 15))
)
odd = st.tuples(st.integers(0, 1438), st.integers(1, 700)).map(
    lambda pair: (pair[0], min(24 * 60, pair[0] + pair[1]))
)
night = st.sampled_from([(0, 360), (1320, 1440), (0, 1440)])
stretches = st.lists(quarters | odd | night, min_size=1, max_size=3)
hours = st.dictionaries(st.integers(0, 6), stretches, max_size=7)
decent = st.sampled_from(
    [(time(8), time(21)), ALWAYS, (time(9, 30), time(17, 15)), (time(0), time(1))]
)
few_steps = st.sets(st.integers(0, 300), max_size=5)
days_near = st.integers(-1, 2)
minutes_long = st.integers(1, 150) | st.sampled_from([5, 15, 30])


some_zone, some_day = st.sampled_from(ZONES), st.sampled_from(DAYS)


@st.composite
def situations(draw, zones=some_zone, days=some_day):
    """A day, what an agent works around it, and what is taken."""
    day = date(*draw(days))
    near = days_near.map(lambda n: day + timedelta(days=n))
    rules = SlotRules(
        draw(hours),
        ZoneInfo(draw(zones)),
        ZoneInfo(draw(zones)),
        draw(decent),
        dated=draw(st.dictionaries(near, st.just([]) | stretches, max_size=2)),
        holidays=draw(st.frozensets(near, max_size=2)),
        off=draw(st.frozensets(near, max_size=1)),
        before=draw(st.sampled_from([0, 0, 5, 7, 30])),
        after=draw(st.sampled_from([0, 0, 5, 12, 45])),
    )
    since = datetime(day.year, day.month, day.day, tzinfo=UTC)
    taken = draw(st.sets(st.integers(-12, 300), max_size=30))
    busy = {int(since.timestamp()) // 300 + item for item in taken}
    since += timedelta(seconds=draw(st.sampled_from([0, 0, 1, 899, 1000])))
    length = timedelta(minutes=draw(st.sampled_from([0, 1, 720, 1440, 1441])))
    others = {int(since.timestamp()) // 300 + item for item in draw(few_steps)}
    return rules, busy, since, since + length, draw(minutes_long), others


@settings(max_examples=150, deadline=None)
@given(situations())
def test_the_free_slots_are_those_of_a_slow_search(situation):
    assert list(slots.iter_free_starts(*situation)) == slow_free(*situation)


any_zone = st.sampled_from(sorted(available_timezones() - {"Factory", "localtime"}))
any_day = st.dates(date(2000, 1, 1), date(2037, 12, 30)).map(lambda day: day.timetuple()[:3])


@pytest.mark.campaign
@pytest.mark.long
@settings(max_examples=1500, deadline=None)
@given(situations(any_zone, any_day))
def test_the_same_holds_in_every_zone_on_every_day_of_37_years(situation):
    assert list(slots.iter_free_starts(*situation)) == slow_free(*situation)


@settings(max_examples=60, deadline=None)
@given(situations(), st.integers(0, 1439))
def test_a_time_asked_for_is_good_when_the_slow_search_says_so(situation, minute):
    rules, _, since, _, minutes, _ = situation
    at = since.replace(second=0) + minute * MINUTE
    good = slots.is_within_working_hours(rules, at, minutes) and slots.is_within_calling_hours(
        rules, at, minutes
    )
    assert good == _good(
        SlotRules(**{**vars(rules), "before": 0, "after": 0}), set(), set(), at, minutes
    )


@settings(deadline=None)
@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),
    st.integers(5, 120),
)
def test_the_steps_of_a_call_are_all_it_touches_and_no_more(starts_at, minutes):
    found = slots.call_steps(starts_at, minutes)
    ends_at = starts_at + timedelta(minutes=minutes)
    first = datetime.fromtimestamp(found.start * 300, UTC)
    last = datetime.fromtimestamp(found.stop * 300, UTC)
    assert first <= starts_at < first + timedelta(minutes=5)
    assert last - timedelta(minutes=5) < ends_at <= last


SUNDAY = {6: [(0, 24 * 60)]}


@pytest.mark.parametrize(
    ("day", "hours_long"), [((2026, 3, 29), 23), ((2026, 10, 25), 25), ((2026, 11, 22), 24)]
)
def test_a_whole_working_day_is_as_long_as_the_day(day, hours_long):
    rules = SlotRules(SUNDAY, LONDON, LONDON, (time(0), None))
    middle = datetime(*day, 12, tzinfo=UTC)
    span = (middle - timedelta(days=2), middle + timedelta(days=2))
    assert len(list(slots.iter_free_starts(rules, set(), *span, 15))) == hours_long * 4


@pytest.mark.parametrize(("minutes", "fits"), [(15, True), (16, False)])
def test_a_call_may_end_exactly_when_the_hours_do(minutes, fits):
    at = datetime(2026, 11, 24, 16, 45, tzinfo=UTC)
    office = SlotRules({1: [(540, 1020)]}, LONDON, LONDON, (time(0), None))
    assert slots.is_within_working_hours(office, at, minutes) == fits
    assert (
        slots.is_within_calling_hours(
            SlotRules({}, LONDON, LONDON, (time(8), time(17))), at, minutes
        )
        == fits
    )


def test_a_night_shift_goes_on_over_midnight():
    night = SlotRules({0: [(1320, 1440)], 1: [(0, 360)]}, LONDON, LONDON, ALWAYS)
    midnight = datetime(2026, 11, 24, tzinfo=UTC)
    assert slots.is_within_working_hours(night, midnight - 10 * MINUTE, 20)
    found = list(slots.iter_free_starts(night, (), midnight - timedelta(hours=3), midnight, 30))
    assert found[-1] == midnight - 15 * MINUTE


def test_buffers_may_not_touch_what_is_taken_but_may_lie_outside_the_hours():
    rules = SlotRules({1: [(540, 1020)]}, LONDON, LONDON, ALWAYS, before=10, after=15)
    day = datetime(2026, 11, 24, tzinfo=UTC)
    busy = slots.call_steps(day.replace(hour=12), 30)
    found = {
        start.strftime("%H:%M")
        for start in slots.iter_free_starts(rules, busy, day, day.replace(hour=23), 30)
    }
    assert {"09:00", "16:30", "11:15", "12:45"} <= found
    assert not {"11:30", "12:30"} & found


@example(0)
@given(st.integers(0, 400))
def test_a_month_of_slots_does_not_depend_on_where_it_is_cut(cut):
    rules = SlotRules({d: [(540, 1020)] for d in range(5)}, LONDON, LONDON, (time(8), time(21)))
    since = datetime(2026, 10, 20, tzinfo=UTC)
    until, middle = since + timedelta(days=10), since + cut * 35 * MINUTE
    whole = list(slots.iter_free_starts(rules, (), since, until, 15))
    parts = [
        *slots.iter_free_starts(rules, (), since, middle, 15),
        *slots.iter_free_starts(rules, (), middle, until, 15),
    ]
    assert whole == parts or cut * 35 > 14400
