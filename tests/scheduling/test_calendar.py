"""What is free on an agent's calendar, as notice, horizon, hours and bookings allow."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from people.errors import InvalidInput
from scheduling.availability import slot_search, slots
from scheduling.availability.agent_availability import Callee
from scheduling.calendars import local_time, working_hours
from scheduling.errors import SlotTaken
from tests import factories
from vault.audit import audit_log

NOW = datetime(2026, 11, 24, 10, 2, 30, tzinfo=UTC)  # a Tuesday
DAY = (datetime(2026, 11, 24, tzinfo=UTC), datetime(2026, 11, 25, tzinfo=UTC))
POLICY = factories.a_policy()


def free(store, agent, span=DAY, minutes=15, policy=POLICY, zone="Europe/London"):
    with store.unit() as session:
        return slot_search.find_free_slots(
            session, agent.id, Callee(zone), span, minutes, policy, NOW
        )


@pytest.fixture
def agent(store):
    with store.unit() as session:
        return factories.an_agent(session, NOW)


def test_free_slots_begin_after_the_notice_and_end_with_the_decent_hours(store, agent):
    found = free(store, agent)
    assert found[0] == NOW.replace(minute=15, second=0)
    assert found[-1] == NOW.replace(hour=20, minute=45, second=0)
    assert len(found) == 43


def test_no_slot_is_past_or_beyond_the_horizon(store, agent):
    assert free(store, agent, (NOW - timedelta(days=2), NOW)) == []
    assert free(store, agent, (NOW + timedelta(days=181), NOW + timedelta(days=190))) == []
    assert free(store, agent, DAY[::-1]) == []


def test_working_hours_are_on_the_agents_clock(store, agent):
    with store.unit() as session:
        week = {1: [(9 * 60, 12 * 60), (13 * 60, 14 * 60)]}
        working_hours.replace_working_hours(session, agent.id, week, audit_log.OPERATOR, NOW)
        assert working_hours.load_working_hours(session, agent.id) == week
    found = free(store, agent)
    assert found[0].time() == time(10, 15)
    assert NOW.replace(hour=11, minute=45, second=0) in found
    assert not [item for item in found if item.hour == 12 or item.hour >= 14]


def test_what_is_booked_is_not_free_and_every_free_slot_can_be_booked(store, agent):
    with store.unit() as session:
        factories.a_callback(session, NOW, agent=agent, ahead=timedelta(minutes=28))
    found = free(store, agent, (NOW, NOW + timedelta(hours=2)))
    assert NOW.replace(minute=30, second=0) not in found
    for at in found:
        with store.unit() as session:
            slot_search.require_free_slot(
                session, agent.id, Callee("Europe/London"), at, 15, POLICY, NOW
            )


def test_the_offers_are_the_nearest_in_order_of_time(store, agent):
    wanted = NOW.replace(hour=22, minute=0, second=0)
    with (
        store.unit() as session,
        pytest.raises(SlotTaken, match="slot_outside_calling_hours") as refused,
    ):
        slot_search.require_free_slot(
            session, agent.id, Callee("Europe/London"), wanted, 15, POLICY, NOW
        )
    offers = refused.value.free_slots
    assert list(offers) == sorted(offers)
    assert offers[-1] == wanted.replace(hour=20, minute=45)
    assert len(offers) == slot_search.NEAREST_COUNT


@pytest.mark.parametrize("minutes", [-1, 0, 4, 121, 10**9])
def test_a_length_no_call_has_is_refused(store, agent, minutes):
    with pytest.raises(InvalidInput, match="call_length_out_of_range"):
        free(store, agent, minutes=minutes)


@pytest.mark.parametrize("hours_of", [(600, 600), (700, 600), (-1, 600), (0, 1441)])
def test_hours_that_end_before_they_begin_are_refused(store, agent, hours_of):
    with store.unit() as session, pytest.raises(InvalidInput, match="hours_end_before_begin"):
        working_hours.replace_working_hours(
            session, agent.id, {0: [hours_of]}, audit_log.OPERATOR, NOW
        )


def test_a_time_on_the_wall_that_is_skipped_or_comes_twice_is_asked_back():
    from people import phone_numbers

    london = phone_numbers.parse_time_zone("Europe/London")
    with pytest.raises(InvalidInput, match="time_skipped"):
        local_time.local_to_instant(datetime(2026, 3, 29).date(), time(1, 30), london)
    with pytest.raises(local_time.AmbiguousTime) as twice:
        local_time.local_to_instant(datetime(2026, 10, 25).date(), time(1, 30), london)
    first, second = twice.value.instants
    assert second - first == timedelta(hours=1)
    assert (
        len(
            slots.call_steps(
                *local_time.local_day_bounds(datetime(2026, 3, 29).date(), london)[:1], 15
            )
        )
        == 3
    )
