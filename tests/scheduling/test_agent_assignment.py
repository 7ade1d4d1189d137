"""Calls for anybody: who can make them, when somebody is free, whose turn it is."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from people import models
from people.errors import InvalidInput
from people.models import Membership, Team
from scheduling.availability import agent_assignment, slot_search
from scheduling.availability.agent_assignment import AgentRequirements
from scheduling.availability.agent_availability import Callee
from scheduling.booking import any_agent_booking, bookings, cancellations
from scheduling.booking.bookings import BookingRequest
from scheduling.calendars import working_hours
from scheduling.errors import SlotTaken
from scheduling.models import Callback, DatedHours, ReservedSlot, Skill, TimeOff
from tests import databases, factories
from vault.audit import audit_log

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)  # a Tuesday
SPAN = (NOW, NOW + timedelta(days=3))
POLICY = factories.a_policy()
LONDON = Callee("Europe/London")


def agents(session, count: int) -> list[UUID]:
    return [factories.an_agent(session, NOW).id for _ in range(count)]


def a_team(session, members: list[UUID], **given) -> UUID:
    team = Team(name=f"Team {random.random()}", created_at=NOW, **given)
    session.add(team)
    session.flush()
    session.add_all(Membership(staff_id=member, team_id=team.id) for member in members)
    session.flush()
    return team.id


ANYBODY = AgentRequirements()


def book(session, need=ANYBODY, ahead=timedelta(hours=2), policy=POLICY, who=None) -> Callback:
    who = who or factories.a_customer(session, NOW)
    wish = BookingRequest(NOW + ahead, 15, "your router")
    return any_agent_booking.book_with_any_agent(
        session, who, need, wish, policy, NOW, audit_log.CUSTOMER
    )


def free(session, need=AgentRequirements(), callee=LONDON, span=SPAN) -> list[datetime]:  # noqa: B008
    return agent_assignment.find_pool_slots(session, need, callee, span, 15, POLICY, NOW)


def test_a_time_is_free_as_long_as_anybody_is(store):
    with store.unit() as session:
        three = agents(session, 3)
        made = [book(session) for _ in three]
        assert {item.agent_id for item in made} == set(three)
        assert made[0].starts_at not in free(session)
        with pytest.raises(SlotTaken, match="nobody_free_then") as refused:
            book(session)
        assert len(refused.value.free_slots) == 5
        assert book(session, ahead=refused.value.free_slots[0] - NOW)


def test_the_least_busy_has_the_next_call(store):
    with store.unit() as session:
        two = agents(session, 2)
        for n in (1, 2, 3):
            wish = BookingRequest(NOW + timedelta(hours=n), 15, "x")
            bookings.book_callback(
                session, factories.a_customer(session, NOW), two[0], wish, POLICY, NOW
            )
        assert book(session, ahead=timedelta(hours=5)).agent_id == two[1]


def test_by_turns_each_has_one(store):
    with store.unit() as session:
        three = agents(session, 3)
        need = AgentRequirements(team_id=a_team(session, three, assignment="round_robin"))
    got = []
    for n in range(6):
        with store.unit() as session:
            who = factories.a_customer(session, NOW)
            wish = BookingRequest(NOW + timedelta(hours=2 + n), 15, "x")
            at = NOW + timedelta(seconds=n)
            got.append(
                any_agent_booking.book_with_any_agent(
                    session, who, need, wish, POLICY, at, audit_log.CUSTOMER
                ).agent_id
            )
    assert Counter(got) == dict.fromkeys(three, 2)
    assert set(got[:3]) == set(three)


def test_only_agents_with_the_language_and_the_product_or_without_any_noted(store):
    with store.unit() as session:
        german, english, anybody, off = agents(session, 4)
        for who, kind, value in (
            (german, "language", "de"),
            (english, "language", "en"),
            (german, "product", "router"),
            (english, "product", "card"),
        ):
            session.add(Skill(staff_id=who, kind=kind, value=value))
        member = session.get_one(models.Staff, off)
        member.active = False
        session.add(member)
        session.flush()

        def found(**need):
            return set(agent_assignment.list_qualified_agents(session, AgentRequirements(**need)))

        assert found() == {german, english, anybody}
        assert found(language="de") == {german, anybody}
        assert found(language="en", product="card") == {english, anybody}
        assert found(language="de", product="card") == {anybody}
        assert found(language="fr") == {anybody}


def test_a_team_with_so_many_seats_has_no_more_calls_at_a_time(store):
    with store.unit() as session:
        need = AgentRequirements(team_id=a_team(session, agents(session, 4), capacity=2))
        one, two = book(session, need), book(session, need)
        assert one.starts_at == two.starts_at
        assert one.starts_at not in free(session, need)
        with pytest.raises(SlotTaken):
            book(session, need)
        cancellations.cancel_booked_callback(session, one, POLICY, NOW)
        assert one.starts_at in free(session, need)
        book(session, need)


def test_seats_are_shared_out_step_by_step_so_that_none_stays_empty(store):
    """Two calls that overlap a third, but not each other, need two seats and not three."""
    with store.unit() as session:
        need = AgentRequirements(team_id=a_team(session, agents(session, 3), capacity=2))
        for ahead, minutes in ((120, 30), (150, 30), (135, 30)):
            who = factories.a_customer(session, NOW)
            wish = BookingRequest(NOW + timedelta(minutes=ahead), minutes, "x")
            any_agent_booking.book_with_any_agent(
                session, who, need, wish, POLICY, NOW, audit_log.CUSTOMER
            )
    seats = {row.seat for row in store.all(select(ReservedSlot)) if row.holder_id == need.team_id}
    assert seats == {0, 1}


def test_a_customer_has_one_call_at_a_time_no_matter_who_makes_it(store):
    with store.unit() as session:
        agents(session, 2)
        who = factories.a_customer(session, NOW)
        made = book(session, who=who)
        assert made.starts_at not in free(session, callee=Callee("Europe/London", who.id))
        assert made.starts_at in free(session)
        with pytest.raises(SlotTaken):
            book(session, who=who)


def test_buffers_of_the_team_are_kept_between_its_calls(store):
    with store.unit() as session:
        (agent,) = agents(session, 1)
        need = AgentRequirements(team_id=a_team(session, [agent], buffer_before=5, buffer_after=10))
        made = book(session, need, timedelta(hours=3))
        near = {round((at - made.starts_at).total_seconds() / 60) for at in free(session, need)}
        assert -30 in near
        assert 30 in near
        assert not {-15, 0, 15} & near


def test_holidays_days_off_and_dated_hours(store):
    with store.unit() as session:
        away, here = agents(session, 2)
        week = {day: [(540, 600)] for day in range(7)}
        for item in (away, here):
            working_hours.replace_working_hours(session, item, week, audit_log.OPERATOR, NOW)
        a_team(session, [away, here], holidays="GB-ENG")
        christmas = datetime(2026, 12, 25, 9, 0, tzinfo=UTC)
        day = timedelta(days=1)

        def on(moment):
            midnight = moment.replace(hour=0)
            return [at.hour for at in free(session, span=(midnight, midnight + day))]

        assert on(christmas) == []
        assert on(christmas - day) == [9] * 4
        session.add(DatedHours(staff_id=here, on=christmas.date(), from_minute=720, to_minute=780))
        session.add(
            TimeOff(staff_id=away, first_on=christmas.date() - day, last_on=christmas.date())
        )
        session.flush()
        assert on(christmas) == [12] * 4
        session.add(
            DatedHours(staff_id=here, on=(christmas - day).date(), from_minute=0, to_minute=0)
        )
        session.flush()
        assert on(christmas - day) == []


def test_nobody_at_work_is_said_in_a_sentence(store):
    with store.unit() as session, pytest.raises(InvalidInput, match="nobody_free_soon"):
        book(session)


def test_decent_hours_are_those_of_the_country_where_the_customer_lives(store):
    from datetime import time

    policy = factories.a_policy(calling_hours_by_country={"DE": (time(10), time(12))})
    with store.unit() as session:
        agents(session, 1)
        for zone, first in (("Europe/Berlin", 9), ("Europe/London", 9)):
            span = (NOW + timedelta(hours=12), NOW + timedelta(days=1, hours=12))
            found = agent_assignment.find_pool_slots(
                session, AgentRequirements(), Callee(zone), span, 15, policy, NOW
            )
            local = {at.hour for at in found}
            assert (max(local) < 12) == (zone == "Europe/Berlin"), first


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_what_the_pool_finds_is_what_its_agents_have_one_by_one(sqlite_store, data):
    store = sqlite_store
    chance = random.Random(data.draw(st.integers(0, 10**6)))
    with store.unit() as session:
        some = agents(session, 14)
        a_team(session, some[:6], capacity=3, buffer_after=10)
        for item in some:
            begin = 15 * chance.randrange(36, 60)
            week = {d: [(begin, begin + 15 * chance.randrange(1, 8))] for d in range(7)}
            working_hours.replace_working_hours(session, item, week, audit_log.OPERATOR, NOW)
        for _ in range(60):
            wish = BookingRequest(NOW + timedelta(minutes=15 * chance.randrange(1, 120)), 15, "x")
            try:
                with session.begin_nested():
                    who = factories.a_customer(session, NOW)
                    bookings.book_callback(session, who, chance.choice(some), wish, POLICY, NOW)
            except SlotTaken:
                pass
        one_by_one = {
            at
            for agent in agent_assignment.list_qualified_agents(session, AgentRequirements())
            for at in slot_search.find_free_slots(session, agent, LONDON, SPAN, 15, POLICY, NOW)
        }
        with pytest.MonkeyPatch.context() as few_at_a_time:
            few_at_a_time.setattr(agent_assignment, "_BATCH_SIZE", 4)
            assert free(session) == sorted(one_by_one)
        session.rollback()


@pytest.fixture
def sqlite_store(sqlite_template, tmp_path):
    made = databases.opened(databases.sqlite_copy(sqlite_template, tmp_path))
    yield made
    made.engine.dispose()
