"""M4: no automatic message at night, a limit on spending, and no number of another country."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from messaging import opt_outs, outbox, spending
from messaging.calling_hours import next_allowed_time
from messaging.dispatch import delivery_outcomes, leases
from messaging.dispatch.worker import Worker
from messaging.models import HourlySpending, OutboxMessage, Priority
from messaging.outbox import NewMessage
from messaging.sending_limits import NumberLimit, SendingLimits
from scheduling.booking import cancellations, time_changes
from tests import databases, factories
from tests.processes import at_once
from tests.security_rules.support.crash_helpers import Post
from vault.models import AuditEntry

NOW = datetime(2026, 11, 24, 10, 0, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DECENT = (time(8), time(21))
ZONES = ["Europe/London", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"]


def text(store, *, phone: str = "", priority: Priority = Priority.NOTICE, now=NOW, who=None) -> str:
    with store.unit() as session:
        who = who or factories.a_customer(session, now, phone)
        to = phone or factories.PHONE
        draft = NewMessage(who.id, "booked", to, "hello", now, now + 3 * DAY, priority=priority)
        return str(outbox.queue_message(session, draft, now))


def leased(store, rules: SendingLimits, now: datetime = NOW) -> list[str]:
    """Which of the due texts leave."""
    with store.unit() as session:
        taken = leases.lease_messages(session, now, "post", rules)
        for item in taken:
            delivery_outcomes.mark_sent(session, item, "sm", now)
        return [str(item.id) for item in taken]


def rows(store) -> dict[str, OutboxMessage]:
    return {str(row.id): row for row in store.all(select(OutboxMessage))}


# Night


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),
    st.sampled_from(ZONES),
)
def test_an_automatic_text_leaves_at_a_decent_hour_and_no_later_than_the_next(now, zone):
    due = next_allowed_time(now, zone, DECENT)
    there = due.astimezone(ZoneInfo(zone))
    assert time(8) <= there.time() < time(21)
    assert now <= due <= now + timedelta(hours=12)
    assert due == now or there.time() == time(8)


def test_where_any_hour_is_decent_nothing_waits():
    assert next_allowed_time(NOW.replace(hour=3), "Europe/London", (time(0), None)) == NOW.replace(
        hour=3
    )


@pytest.mark.parametrize(
    ("on", "utc_hour"), [(date(2026, 3, 29), 7), (date(2026, 10, 25), 8), (date(2026, 10, 24), 7)]
)
def test_the_morning_begins_by_the_clock_on_the_wall_when_it_changes(on, utc_hour):
    night = datetime.combine(on, time(0, 30), UTC)
    assert next_allowed_time(night, "Europe/London", DECENT) == datetime.combine(
        on, time(utc_hour), UTC
    )


@pytest.mark.parametrize("act", ["book", "move", "cancel"])
def test_what_is_done_at_night_is_told_in_the_morning(store, act):
    """23:30 in London; the customer lives there."""
    night, policy = NOW.replace(hour=23, minute=30), factories.a_policy()
    with store.unit() as session:
        early = NOW if act != "book" else night
        ahead = datetime(2026, 11, 26, 10, tzinfo=UTC) - early.replace(second=0)
        made = factories.a_callback(session, early, ahead=ahead, policy=policy)
        if act == "move":
            time_changes.reschedule_callback(session, made, made.starts_at + HOUR, policy, night)
        if act == "cancel":
            cancellations.cancel_booked_callback(session, made, policy, night)
    latest = max(store.all(select(OutboxMessage)), key=lambda row: row.id)
    assert latest.due_at == datetime(2026, 11, 25, 8, tzinfo=UTC)
    assert leased(store, SendingLimits(), latest.due_at - timedelta(seconds=1)) == []
    assert leased(store, SendingLimits(), latest.due_at) == [str(latest.id)]


# Money

CHEAP = SendingLimits(segment_price=10, per_hour=100, per_day=250)


def test_the_ceiling_of_the_hour_holds_texts_back_until_the_next(store):
    made = [text(store) for _ in range(11)]
    assert len(leased(store, CHEAP)) == 8  # a fifth is kept for answers
    held = [row for row in rows(store).values() if row.error == "ceiling"]
    assert len(held) == len(made) - 8
    assert {row.due_at for row in held} == {NOW.replace(hour=11, minute=0, second=0)}
    assert leased(store, CHEAP, NOW + timedelta(minutes=30)) == []
    assert len(leased(store, CHEAP, NOW.replace(hour=11, minute=0))) == 3
    told = store.all(select(AuditEntry).where(AuditEntry.action == "text.held"))
    assert len(told) == 3


def test_the_ceiling_of_the_day_holds_over_the_hours(store):
    for _ in range(40):
        text(store)
    gone = 0
    for hour in range(24):
        now = NOW + hour * HOUR
        found = leased(store, CHEAP, now)
        gone += len(found)
    assert gone == 20  # 250 less a fifth, at 10 each
    assert len(leased(store, CHEAP, NOW + 24 * HOUR)) > 0


def test_the_last_fifth_is_for_answers(store):
    for _ in range(9):
        text(store)
    assert len(leased(store, CHEAP)) == 8
    answers = {text(store, priority=Priority.ANSWER) for _ in range(3)}
    assert set(leased(store, CHEAP)) < answers
    assert leased(store, CHEAP) == []
    assert spent(store) == 100


def spent(store) -> int:
    return sum(row.spent for row in store.all(select(HourlySpending)))


@pytest.mark.both
def test_a_text_costs_by_its_segments_and_once_however_often_it_is_tried(store, tmp_path):
    from messaging.providers.base import Unavailable

    post, now = Post(tmp_path / "post", stumbles=[Unavailable()]), [NOW]
    with store.unit() as session:
        who = factories.a_customer(session, NOW)
        outbox.queue_message(
            session, NewMessage(who.id, "x", factories.PHONE, "ж" * 71, NOW, NOW + DAY), NOW
        )
    works = Worker(
        store.engine, store.ring, [post], lambda: now[0], rules=SendingLimits(segment_price=7)
    )
    works.run_once()
    now[0] += timedelta(minutes=1)
    works.run_once()
    assert (post.asked, spent(store)) == (["send", "send"], 14)


@pytest.mark.both
def test_many_at_once_spend_no_more_than_there_is(store):
    with store.unit() as session:
        spending.lock_spending_budget(session, CHEAP, NOW)

    def spend() -> int:
        mine = databases.opened(store.url, wait_seconds=60)
        done = 0
        for _ in range(10):
            with mine.unit() as session:
                done += spending.lock_spending_budget(session, CHEAP, NOW).try_spend(
                    10, answer=True
                )
        return done

    assert sum(at_once([spend] * 6, lambda: store.engine.dispose(close=False))) == 10
    assert spent(store) == 100


# Numbers


def test_a_number_of_another_country_gets_nothing(store):
    foreign, own = text(store, phone="+4915112345678"), text(store)
    assert leased(store, SendingLimits(countries=("GB",))) == [own]
    assert (rows(store)[foreign].state, rows(store)[foreign].error) == (
        "failed",
        "country_not_enabled",
    )


def test_a_number_gets_so_many_texts_an_hour_and_no_more(store):
    """What is one too many waits until it is not; an answer would be of no use by then."""
    rules = SendingLimits(per_number=(NumberLimit(2, HOUR), NumberLimit(3, DAY)))
    with store.unit() as session:
        who = factories.a_customer(session, NOW)
    made = [text(store, who=who) for _ in range(3)]
    other, answer = text(store), text(store, who=who, priority=Priority.ANSWER)
    assert sorted(leased(store, rules)) == sorted([answer, made[0], other])
    waits = rows(store)[made[1]]
    assert (waits.state, waits.error, waits.due_at) == ("queued", "too_many", NOW + HOUR)
    flood = text(store, who=who, priority=Priority.ANSWER)
    assert leased(store, rules) == []
    assert (rows(store)[flood].state, rows(store)[flood].error) == ("failed", "too_many")
    assert leased(store, rules, NOW + HOUR - timedelta(seconds=1)) == []
    assert leased(store, rules, NOW + HOUR) == [made[1]]
    assert rows(store)[made[2]].due_at == NOW + DAY
    assert leased(store, rules, NOW + DAY) == [made[2]]


def test_what_is_full_until_a_text_would_be_of_no_use_drops_it(store):
    rules = SendingLimits(per_number=(NumberLimit(1, 5 * DAY),))
    with store.unit() as session:
        who = factories.a_customer(session, NOW)
    first, second = (text(store, who=who) for _ in range(2))
    assert leased(store, rules) == [first]
    assert (rows(store)[second].state, rows(store)[second].error) == ("failed", "too_many")


def test_a_number_that_wants_no_texts_gets_none_even_of_those_that_waited(store):
    made = text(store)
    with store.unit() as session:
        opt_outs.record_opt_out(session, factories.PHONE, NOW)
        opt_outs.record_opt_out(session, factories.PHONE, NOW)
    assert leased(store, SendingLimits()) == []
    assert rows(store)[made].error == "opted_out"
    with store.unit() as session:
        opt_outs.record_opt_in(session, factories.PHONE, NOW)
    assert leased(store, SendingLimits()) == []
    again = text(store)
    assert leased(store, SendingLimits()) == [again]


# Order


def test_the_urgent_leave_first_and_then_the_oldest(store):
    order = [Priority.REMINDER, Priority.NOTICE, Priority.ANSWER, Priority.SOON, Priority.NOTICE]
    made = [
        text(store, priority=priority, now=NOW - timedelta(seconds=60 - at))
        for at, priority in enumerate(order)
    ]
    with store.unit() as session:
        first = [
            str(message.id)
            for message in leases.lease_messages(session, NOW, "post", SendingLimits(), limit=3)
        ]
        then = [
            str(message.id)
            for message in leases.lease_messages(session, NOW, "post", SendingLimits(), limit=3)
        ]
    assert first + then == [made[2], made[3], made[1], made[4], made[0]]
