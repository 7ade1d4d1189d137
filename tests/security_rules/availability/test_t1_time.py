"""T1: instants are stored in UTC and shown in the reader's zone, on the days clocks change too."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import SQLModel, select

from scheduling.models import Callback
from storage.column_types import UtcDateTime
from tests import databases, factories
from tests.channels.conftest import Console, make_console
from tests.security_rules.support.wall_clocks import (
    CHANGES,
    QUARTER,
    Desk,
    quarters,
    shown_twice,
    skipped,
)

ROOT = Path(__file__).resolve().parents[3]
ANY_HOUR = {"calling_hours": "00:00-24:00", "max_ahead_days": 730}


@pytest.fixture
def console(database, tmp_path, request) -> Iterator[Console]:
    mark = request.node.get_closest_marker("settings")
    made = make_console(database, tmp_path, **(mark.kwargs if mark else ANY_HOUR))
    yield made
    made.context.engine.dispose()


@pytest.mark.parametrize(("zone", "on", "hours"), CHANGES)
def test_the_slots_of_a_day_are_as_many_as_it_is_long_unlike_and_in_order(console, zone, on, hours):
    desk = Desk(console, zone, on)
    found = desk.slots()
    assert found == quarters(zone, on)
    assert len(found) == hours * 4


@pytest.mark.settings(max_ahead_days=730)
@pytest.mark.parametrize(("zone", "on", "hours"), CHANGES)
def test_decent_hours_are_those_on_the_customers_wall(console, zone, on, hours):
    """For an agent who lives elsewhere; the day before the change, on it, and after it."""
    desk = Desk(console, "Asia/Kathmandu", on)
    for day in (desk.on - timedelta(days=1), desk.on, desk.on + timedelta(days=1)):
        walls = [slot.astimezone(ZoneInfo(zone)) for slot in desk.slots(day, zone)]
        assert [f"{item:%H:%M}" for item in (walls[0], walls[-1])] == ["08:00", "20:45"]
        assert len(walls) == 13 * 4


@pytest.mark.parametrize(("zone", "on", "hours"), CHANGES)
def test_a_day_lists_exactly_its_own_callbacks(console, zone, on, hours):
    desk, day = Desk(console, zone, on), quarters(zone, on)
    change = next(at for at in day if desk.offset(at) != desk.offset(at + QUARTER))
    inside = [day[0], change - QUARTER, change, change + QUARTER, change + 2 * QUARTER, day[-1]]
    for at in [day[0] - QUARTER, *inside, day[-1] + QUARTER]:
        assert desk.book(at).status_code == 201, at
    assert desk.listed(desk.on) == inside
    assert desk.listed(desk.on - timedelta(days=1)) == [day[0] - QUARTER]
    assert desk.listed(desk.on + timedelta(days=1)) == [day[-1] + QUARTER]
    assert len(re.findall(r'<li class="booked', desk.tab.get(f"/staff/day?on={on}").text)) == 6


@pytest.mark.parametrize(("zone", "on", "hours"), [item for item in CHANGES if item[2] > 24])
def test_a_time_that_comes_twice_is_two_instants(console, zone, on, hours):
    desk = Desk(console, zone, on)
    wall, first, second = shown_twice(zone, on)
    answer = desk.type(wall)
    assert answer.status_code == 422
    assert "occurs twice" in answer.text
    offered = re.findall(r'name="slot" id="slot\d+" value="([^"]+)"', answer.text)
    assert [datetime.fromisoformat(item) for item in offered] == [first, second]
    assert desk.type(wall, slot=offered[1]).status_code == 303
    assert desk.book(second.astimezone(ZoneInfo(zone))).status_code == 409
    assert desk.book(first.astimezone(ZoneInfo(zone))).status_code == 201
    assert desk.listed(desk.on) == [first, second]


@pytest.mark.parametrize(("zone", "on", "hours"), [item for item in CHANGES if item[2] < 24])
def test_a_time_that_clocks_skip_is_refused_where_it_is_typed(console, zone, on, hours):
    """Over the API it is written with an offset, and so is an instant like any other."""
    desk = Desk(console, zone, on)
    wall, instant = skipped(zone, on)
    answer = desk.type(wall)
    assert answer.status_code == 422
    assert f"There is no {wall:%H:%M}" in answer.text
    assert (
        desk.book(wall.replace(tzinfo=desk.offset(instant - timedelta(hours=3)))).status_code == 201
    )
    assert desk.listed(desk.on) == [instant]


def test_texts_and_pages_show_the_time_where_their_reader_lives(console):
    desk = Desk(console, "America/New_York", "2026-11-01")
    at = datetime(2026, 11, 1, 13, 0, tzinfo=UTC)
    text = desk.text_of(desk.book(at, timezone="Australia/Lord_Howe"))
    assert "Mon 2 Nov 00:00" in text
    assert "08:00" in desk.tab.get("/staff/day?on=2026-11-01").text
    console.moment[0] = at
    code = desk.start()
    told = console.app.test_client().post("/check", data={"phone": desk.phone, "code": code}).text
    assert "Mon 2 Nov 00:00" in told


@pytest.mark.parametrize(
    ("zone", "at", "on"),
    [
        ("Europe/London", "2028-02-29T10:00:00Z", "2028-02-29"),
        ("Pacific/Auckland", "2026-12-31T11:30:00Z", "2027-01-01"),
        ("America/New_York", "2027-01-01T04:30:00Z", "2026-12-31"),
        ("Pacific/Kiritimati", "2026-12-31T10:00:00Z", "2027-01-01"),
    ],
)
def test_leap_days_and_years_ends_are_days_like_any_other(console, zone, at, on):
    desk, instant = Desk(console, zone, "2026-11-24"), datetime.fromisoformat(at)
    assert desk.book(instant).status_code == 201
    day = date.fromisoformat(on)
    assert desk.listed(day) == [instant]
    assert desk.listed(day - timedelta(days=1)) == desk.listed(day + timedelta(days=1)) == []


@pytest.mark.parametrize("on", ["2027-02-29", "2026-02-30", "2026-13-01"])
def test_a_day_that_no_calendar_has_is_refused(console, on):
    desk = Desk(console, "Europe/London", "2026-11-24")
    answer = desk.client.get(f"/api/v1/callbacks?on={on}", headers=desk.headers)
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "naive", ["2026-11-24T12:00:00", "2026-11-24 12:00", "1795521600", 1795521600]
)
def test_a_time_without_a_zone_is_refused_wherever_the_api_takes_one(console, naive):
    desk = Desk(console, "Europe/London", "2026-11-24")
    made = desk.book(console.now.replace(hour=18, minute=0, second=0)).json["id"]
    body = {"phone": desk.phone, "called_at": naive}
    assert desk.book(naive).status_code == 422
    assert desk.post(f"/callbacks/{made}/move", {"starts_at": naive}).status_code == 422
    assert desk.post("/reports", body).status_code == 422
    slots = f"/api/v1/slots?from={naive}&to=2026-11-25T12:00:00Z"
    assert desk.client.get(slots, headers=desk.headers).status_code == 422


def test_every_column_of_time_is_an_instant_in_utc(store):

    times = [
        column
        for table in SQLModel.metadata.sorted_tables
        for column in table.columns
        if "TIME" in str(column.type)
    ]
    assert len(times) > 25
    assert all(isinstance(column.type, UtcDateTime) for column in times)


def test_the_first_time_offered_can_be_booked_at_any_fraction_of_a_second(console):
    desk = Desk(console, "Europe/London", "2026-11-24")
    for microseconds in (0, 1, 999_999):
        console.moment[0] = datetime(2026, 11, 24, 10, 10, 0, microseconds, tzinfo=UTC)
        assert desk.book(desk.slots()[0]).status_code == 201, microseconds


def test_what_is_stored_is_utc_whatever_offset_it_came_with(console, database):
    """Read by the driver alone, as any other program would."""
    desk = Desk(console, "Australia/Lord_Howe", "2026-10-04")
    assert desk.book("2026-10-04T12:00:00+11:00").status_code == 201
    there = databases.opened(database)
    stored = "starts_at" if there.kind == "sqlite" else "starts_at AT TIME ZONE 'UTC'"
    with there.engine.connect() as connection:
        found = connection.exec_driver_sql(f"SELECT {stored} FROM callback").scalar_one()
    assert str(found)[:19] == "2026-10-04 01:00:00"


def test_ten_minutes_are_ten_minutes_while_clocks_change(store):
    begin = datetime(2026, 10, 25, 0, 55, tzinfo=UTC)  # 01:55 in London, and soon 01:05 again
    policy = factories.a_policy(calling_hours=ANY_TIME)
    call = factories.a_call(store, begin, policy=policy)
    assert call.valid_until - begin == timedelta(minutes=10)
    assert store.all(select(Callback))[0].ends_at - begin == timedelta(minutes=15)


def test_nothing_below_the_channels_reads_a_clock():
    """But for the ids that sort by when they were made, and the wait for a busy store."""
    rooms = (
        "incidents",
        "procedures",
        "verification",
        "scheduling",
        "people",
        "messaging",
        "vault",
        "storage",
    )
    found = set()
    for path in [one_path for room in rooms for one_path in (ROOT / room).rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and ast.unparse(node) in CLOCKS:
                found.add(f"{path.relative_to(ROOT)} {ast.unparse(node)}")
    assert {item for item in found if not item.startswith("storage/")} == set()
    assert {item.rpartition(" ")[2] for item in found} <= {"time.time_ns", "time.monotonic"}


ANY_TIME = (datetime.min.time(), None)
CLOCKS = [
    *("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time"),
    *("time.time_ns", "time.monotonic", "time.localtime", "time.gmtime", "time.perf_counter"),
]
