"""A country changes its clocks: the promised time on the wall stays, and the instant follows."""

from __future__ import annotations

import importlib.resources
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import select

from messaging.models import OutboxMessage
from scheduling.booking import bookings, cancellations, tzdata_changes
from scheduling.booking.bookings import BookingRequest
from scheduling.booking.tzdata_changes import TzdataChangesJob
from scheduling.calendars import promised_local_time
from scheduling.models import Callback, FormerTime, ReservedSlot
from tests import factories
from vault.keys import field_encryption

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
POLICY = factories.a_policy(reminders=(timedelta(hours=1),))


def berlin_for_london(name: str) -> ZoneInfo:
    """The rules of a London that has gone over to the clocks of Berlin."""
    if name != "Europe/London":
        return ZoneInfo(name)
    with importlib.resources.files("tzdata.zoneinfo.Europe").joinpath("Berlin").open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def book(store, ahead=timedelta(days=2), agent=None, **customer) -> Callback:
    with store.unit() as session:
        who = factories.a_customer(session, NOW, **customer)
        agent_id = agent or factories.an_agent(session, NOW).id
        wish = BookingRequest(NOW + ahead, 15, "your router")
        return bookings.book_callback(session, who, agent_id, wish, POLICY, NOW)


def kept(store, made: Callback) -> Callback:
    return store.all(select(Callback).where(Callback.id == made.id))[0]


def follow(store, zones=berlin_for_london, now=NOW) -> TzdataChangesJob:
    job = TzdataChangesJob(POLICY, zones)
    with store.unit() as session:
        job(session, now)
    return job


def test_what_was_promised_is_kept_beside_the_instant(store):
    made = book(store, timezone="Asia/Kathmandu")
    assert (made.wall, made.wall_zone) == ("2026-11-26T15:45", "Asia/Kathmandu")
    assert promised_local_time.promised_instant(made) == made.starts_at


def test_both_instants_of_an_hour_that_comes_twice_are_kept_apart(store):
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    for at in (first, first + timedelta(hours=1)):
        callback = Callback(starts_at=at)
        promised_local_time.record_local_time(callback, "Europe/London")
        assert callback.wall == "2026-10-25T01:30"
        assert promised_local_time.promised_instant(callback) == at


def test_the_instant_follows_the_new_rules_and_both_are_told(store):
    made = book(store)
    before = made.starts_at
    follow(store)
    row = kept(store, made)
    assert row.starts_at == before - timedelta(hours=1)
    assert row.ends_at == row.starts_at + timedelta(minutes=15)
    assert (row.wall, row.moves) == (made.wall, 1)
    (former,) = store.all(select(FormerTime))
    assert (former.starts_at, former.moved_by) == (before, "zone")
    steps = {s.step for s in store.all(select(ReservedSlot))}
    assert min(steps) == int(row.starts_at.timestamp()) // 300
    queued = [m for m in store.all(select(OutboxMessage)) if m.state == "queued"]
    assert sorted(m.kind for m in queued) == ["moved", "reminder"]
    with store.unit() as session:
        (told,) = [m for m in queued if m.kind == "moved"]
        key = field_encryption.load_data_key(session, told.customer_id)
        assert "still ring you" in key.open_field("outbox_message", "body", told.id, told.body)


def test_with_the_rules_as_they_were_nothing_moves(store):
    made = book(store)
    follow(store, ZoneInfo)
    assert kept(store, made).moves == 0
    assert store.all(select(FormerTime)) == []


def test_zones_that_did_not_change_stay_and_it_is_done_once(store):
    other = book(store, timezone="America/New_York", ahead=timedelta(days=2, hours=6))
    made = book(store)
    for _ in range(3):
        follow(store)
    assert kept(store, other).moves == 0
    assert kept(store, made).moves == 1


def test_where_somebody_has_the_new_instant_the_agent_is_asked_and_the_customer_told(store):
    made = book(store)
    book(store, timedelta(days=2, hours=-1), agent=made.agent_id, timezone="UTC")
    follow(store)
    row = kept(store, made)
    assert row.starts_at == made.starts_at
    assert row.move_asked_at == NOW
    assert row.wall == "2026-11-26T11:00"
    assert [m.kind for m in store.all(select(OutboxMessage)) if m.kind == "moved"] == ["moved"]


def test_what_is_over_or_off_stays_as_it_was(store):
    made = book(store)
    with store.unit() as session:
        cancellations.cancel_booked_callback(
            session, session.get_one(Callback, made.id), POLICY, NOW
        )
    follow(store)
    assert kept(store, made).starts_at == made.starts_at


def test_it_goes_through_everything_a_few_at_a_time_and_then_rests(store, monkeypatch):
    monkeypatch.setattr(tzdata_changes, "BATCH_SIZE", 2)
    made = [book(store, timedelta(days=n)) for n in range(2, 7)]
    job = TzdataChangesJob(POLICY, berlin_for_london)
    for _ in range(3):
        with store.unit() as session:
            job(session, NOW)
    assert [kept(store, item).moves for item in made] == [1] * 5
    later = book(store, timedelta(days=8))
    with store.unit() as session:
        job(session, NOW + timedelta(hours=23))
    assert kept(store, later).moves == 0
    for _ in range(4):
        with store.unit() as session:
            job(session, NOW + timedelta(hours=25))
    assert kept(store, later).moves == 1


@pytest.mark.parametrize("at", ["2027-03-28T01:30", "2027-03-28T02:30"])
def test_a_time_that_the_new_rules_skip_is_still_some_instant(at):
    callback = Callback(starts_at=NOW, wall=at, wall_zone="Europe/London", wall_fold=0)
    for zones in (ZoneInfo, berlin_for_london):
        assert promised_local_time.promised_instant(callback, zones).tzinfo is UTC
