"""Rule T1 on the console: wall clocks to instants and back, the DST days included."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.console import hours_format
from channels.time_format import LocalClock, read_date, read_instant, read_time
from people.errors import InvalidInput
from scheduling.calendars import local_time

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
ZONES = ["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia"]


@given(
    st.datetimes(datetime(2001, 1, 1), datetime(2060, 1, 1)),
    st.sampled_from(ZONES),
)
def test_an_instant_shows_the_time_that_was_typed(typed, zone_name):
    zone = ZoneInfo(zone_name)
    typed = typed.replace(second=0, microsecond=0)
    try:
        found = local_time.local_to_instant(typed.date(), typed.time(), zone)
    except local_time.AmbiguousTime as error:
        first, second = error.instants
        assert first < second
        assert all(
            instant.astimezone(zone).replace(tzinfo=None) == typed for instant in error.instants
        )
    except InvalidInput:
        assert typed.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).hour != typed.hour or (
            typed.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None)
            != typed
        )
    else:
        assert found.astimezone(zone).replace(tzinfo=None) == typed


def test_a_time_that_the_clocks_skip_is_refused_with_a_sentence():
    with pytest.raises(InvalidInput, match="time_skipped"):
        local_time.local_to_instant(date(2027, 3, 28), time(1, 30), LONDON)


def test_a_time_that_comes_twice_gives_both_instants():
    with pytest.raises(local_time.AmbiguousTime, match="time_ambiguous") as caught:
        local_time.local_to_instant(date(2026, 10, 25), time(1, 30), LONDON)
    first, second = caught.value.instants
    assert first == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert second - first == timedelta(hours=1)
    clock = LocalClock(LONDON, "en", NOW)
    assert clock.format_time(first) == "01:30 (BST)"
    assert clock.format_time(second) == "01:30 (GMT)"


def test_the_days_on_which_the_clocks_change_are_23_and_25_hours_long():
    since, until = local_time.local_day_bounds(date(2027, 3, 28), LONDON)
    assert until - since == timedelta(hours=23)
    since, until = local_time.local_day_bounds(date(2026, 10, 25), LONDON)
    assert until - since == timedelta(hours=25)


def test_there_names_the_day_only_when_it_is_another():
    clock = LocalClock(LONDON, "en", NOW)
    when = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
    assert clock.format_in_zone(when, "America/New_York") == "09:00"
    assert clock.format_in_zone(when, "Pacific/Auckland") == "Wed 25 Nov 03:00"


def test_a_day_of_an_earlier_year_is_shown_with_its_year():
    clock = LocalClock(LONDON, "en", NOW)
    last = datetime(2025, 12, 31, 14, 0, 9, tzinfo=UTC)
    assert clock.format_day_time(last) == "Wed 31 Dec 2025 14:00"
    assert clock.format_with_seconds(last) == "31 Dec 2025 14:00:09"
    assert clock.format_short_day(last) == "Wed 31 Dec 2025"
    assert clock.format_day(last.date()) == "Wednesday 31 December 2025"
    assert clock.format_day_time(NOW) == "Tue 24 Nov 10:00"
    assert LocalClock(LONDON, "de", NOW).format_day_time(last) == "Mi 31. Dez 2025 14:00"


@pytest.mark.parametrize("text", ["", "24:00", "12:60", "1", "٠٩:٠٠", "12:00:30", "x" * 9999])
def test_what_is_no_time_of_day_is_refused(text):
    with pytest.raises(InvalidInput):
        read_time(text, "at")


@pytest.mark.parametrize("text", ["", "20261124", "2026-W01-1", "1999-01-01", "2026-02-30"])
def test_what_is_no_day_is_refused(text):
    with pytest.raises(InvalidInput):
        read_date(text, "on")


@pytest.mark.parametrize("text", ["", "2026-11-24T10:00", "x", "0001-01-01T00:00:00+14:00"])
def test_what_is_no_slot_of_ours_is_refused(text):
    with pytest.raises(InvalidInput):
        read_instant(text, "starts_at")


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("", []),
        ("9-17", [(540, 1020)]),
        ("13:30–17:00 , 09:00-12:30", [(540, 750), (810, 1020)]),
        ("00:00-24:00", [(0, 1440)]),
    ],
)
def test_hours_are_read_as_people_write_them(text, hours):
    assert hours_format.parse_hours(text, "day0") == hours
    assert hours_format.parse_hours(hours_format.format_hours(hours), "day0") == hours


@pytest.mark.parametrize(
    "text",
    [
        "nine to five",
        "17-9",
        "9-9",
        "25-26",
        "9:75-10",
        "9-12,",
        "9-12, 11-13",
        "9-24:30",
        "1" * 300,
    ],
)
def test_hours_that_make_no_sense_are_refused(text):
    with pytest.raises(InvalidInput):
        hours_format.parse_hours(text, "day0")


@pytest.mark.parametrize(
    ("locale", "shown"),
    [("en", "24 November 2026"), ("de", "24. November 2026"), ("es", "24 de noviembre de 2026")],
)
def test_a_date_with_its_year_reads_as_its_language_writes_it(locale, shown):
    clock = LocalClock(ZoneInfo("Europe/London"), locale, datetime(2026, 11, 24, tzinfo=UTC))
    assert clock.format_full_date(date(2026, 11, 24)) == shown
