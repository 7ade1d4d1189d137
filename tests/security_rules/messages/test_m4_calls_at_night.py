"""M4 holds for messages that anybody can trigger too, calls above all: only within calling hours
where the customer lives, and once until they have shown that they want it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from messaging import line_types, outbox
from messaging.calling_hours import CallingHours, parse_calling_hours
from messaging.dispatch import delivery_outcomes, leases
from messaging.models import OutboxMessage, Priority
from messaging.sending_limits import NumberLimit, SendingLimits
from people.models import NumberProof
from tests import databases, factories
from tests.security_rules.support.stranger_requests import SETTINGS, Outside
from vault.keys import field_encryption
from verification import codes, page_number_limits

pytestmark = pytest.mark.settings(**SETTINGS)
PHONE, UNKNOWN = "+447400123456", "+447400999999"
NIGHT = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def there(app, database) -> databases.Store:
    return databases.opened(database)


@pytest.fixture
def outside(app, there, clock) -> Outside:
    clock.now = NIGHT
    with there.unit() as session:
        factories.a_customer(session, clock.now, PHONE)
    return Outside(app, clock)


def types_it(outside: Outside, there) -> int:
    """The customer types the page number that is good just now."""
    with there.unit() as session:
        row = session.exec(select(NumberProof).where(NumberProof.closed_at.is_(None))).one()
        key = field_encryption.load_data_key(session, row.customer_id)
        secret = key.open_field("number_proof", "secret", row.id, row.secret)
        number = codes.hotp_code(secret, row.counter, page_number_limits.DIGITS)
    return outside.tries_page_number(PHONE, number)


@pytest.mark.parametrize("way", ["voice", "landline", "line"])
def test_nobody_can_have_somebody_rung_at_night(outside, there, clock, way):
    """From two to eight, every half hour. Was red on c916469: three an hour."""
    if way == "landline":
        with there.unit() as session:
            line_types.record_line_type(session, PHONE, line_types.LANDLINE, clock.now)
    while clock.now < NIGHT.replace(hour=8):
        if way == "line":
            outside.rings_and_asks(PHONE)
        else:
            outside.asks_page_number(PHONE, "voice" if way == "voice" else "text")
        assert outside.works() == []
        outside.waits(minutes=30)


def test_a_call_that_was_asked_for_in_the_evening_is_not_placed_at_night(outside, clock):
    """No worker was there until it was too late. Was red on c916469."""
    clock.now = NIGHT.replace(hour=20, minute=59, second=59)
    outside.asks_page_number(PHONE, "voice")
    outside.waits(seconds=2)
    assert outside.works() == []


@pytest.mark.parametrize("way", ["voice", "line", "both"])
def test_somebody_is_rung_once_until_the_number_is_proven(outside, there, clock, way):
    """Was red on c916469: three an hour, for ever."""
    clock.now = NOON
    for n in range(12):
        if way != "line":
            outside.asks_page_number(PHONE, "voice")
        if way != "voice":
            outside.rings_and_asks(PHONE)
        if n == 0:
            assert [work.medium for work in outside.works()] == ["voice"]
        assert outside.works() == []
        outside.waits(hours=5)


def test_who_has_typed_the_number_may_be_rung_again(outside, there, clock):
    clock.now = NOON
    outside.asks_page_number(PHONE, "voice")
    assert len(outside.works()) == 1
    assert types_it(outside, there) == 303
    outside.waits(minutes=5)
    outside.asks_page_number(PHONE, "voice")
    assert len(outside.works()) == 1


def test_a_call_that_was_never_placed_counts_for_nothing(outside, there, clock):
    clock.now = NOON
    outside.asks_page_number(PHONE, "voice")
    outside.waits(minutes=11)
    outside.works()  # too late for it
    outside.asks_page_number(PHONE, "voice")
    assert len(outside.works()) == 1


def test_at_night_a_phone_gets_one_page_number_until_it_is_typed(outside, there, clock):
    """From two to eight. Was red on c916469: eighteen."""
    while clock.now < NIGHT.replace(hour=8):
        outside.asks_page_number(PHONE)
        outside.works()
        outside.waits(minutes=21)
    assert len(outside.left) == 1


def test_at_night_who_has_typed_it_gets_another(outside, there, clock):
    outside.asks_page_number(PHONE)
    assert len(outside.works()) == 1
    assert types_it(outside, there) == 303
    outside.waits(minutes=5)
    outside.asks_page_number(PHONE)
    assert len(outside.works()) == 1


def test_the_night_is_that_of_the_customer(outside, there, clock):
    clock.now = NOON
    with there.unit() as session:
        factories.a_customer(session, clock.now, "+12025550123", timezone="Pacific/Auckland")
    outside.asks_page_number("+12025550123", "voice")
    assert outside.works() == []


def test_the_form_answers_alike_whatever_comes_of_it(outside, there, clock):
    """Known or not, by night or day, the first or one too many, by text or by voice."""
    answers = set()
    for hour in (2, 12):
        clock.now = NIGHT.replace(hour=hour)
        for medium in ("text", "voice"):
            for phone in (PHONE, UNKNOWN):
                answers |= {outside.asks_page_number(phone, medium) for _ in range(4)}
    assert len({re.sub(r"nonce-\S+", "", answer) for answer in answers}) == 1


# What is held up


def held_up(store, now, **more) -> None:
    with store.unit() as session:
        who = factories.a_customer(session, now, PHONE)
        for _ in range(2):
            draft = outbox.NewMessage(
                who.id, "booked", PHONE, "hello", now, now + timedelta(days=2), **more
            )
            outbox.queue_message(session, draft, now)


def leased(store, rules: SendingLimits, now: datetime) -> list[delivery_outcomes.LeasedMessage]:
    with store.unit() as session:
        return leases.lease_messages(session, now, "post", rules)


DECENT = CallingHours("Europe/London", (datetime(1, 1, 1, 8).time(), datetime(1, 1, 1, 21).time()))


@pytest.mark.parametrize("why", ["number", "ceiling", "provider"])
def test_what_was_held_up_until_the_night_waits_for_the_morning(store, why):
    """A limit, the spending limit or the provider can hold a text up past nine in the evening.
    Was red on c916469: it left whenever the limit ended."""
    evening = datetime(2026, 11, 24, 20, 30, tzinfo=UTC)
    held_up(store, evening, decent=DECENT)
    rules = {
        "number": SendingLimits(per_number=(NumberLimit(1, timedelta(hours=1)),)),
        "ceiling": SendingLimits(segment_price=10, per_hour=13),
        "provider": SendingLimits(),
    }[why]
    first = leased(store, rules, evening)
    assert len(first) == (2 if why == "provider" else 1)
    with store.unit() as session:
        for item in first:
            if why == "provider":
                delivery_outcomes.schedule_retry(
                    session, item, evening + timedelta(minutes=29), unknown=False
                )
            else:
                delivery_outcomes.mark_sent(session, item, "sm", evening)
    for minutes in range(31, 660, 61):
        assert leased(store, rules, evening + timedelta(minutes=minutes)) == []
    morning = datetime(2026, 11, 25, 8, tzinfo=UTC)
    assert leased(store, rules, morning)


def test_every_automatic_message_says_when_it_may_leave(store):
    """An announcement, its reminders, a move: each carries the customer's calling hours."""
    with store.unit() as session:
        factories.a_callback(
            session,
            NOON,
            ahead=timedelta(days=2),
            policy=factories.a_policy(reminders=(timedelta(days=1),)),
        )
    rows = store.all(select(OutboxMessage))
    assert len(rows) == 2
    assert {parse_calling_hours(row.decent) for row in rows} == {DECENT}


@pytest.mark.parametrize("text", ["Europe/London 08:00-21:00", "Asia/Kolkata 00:00-24:00"])
def test_decent_hours_are_read_as_they_are_written(text):
    assert parse_calling_hours(text).to_stored_hours() == text


def test_an_answer_is_no_automatic_message(store):
    with store.unit() as session:
        who = factories.a_customer(session, NIGHT, PHONE)
        draft = outbox.NewMessage(
            who.id, "phrase", PHONE, "x", NIGHT, NOON, priority=Priority.ANSWER
        )
        outbox.queue_message(session, draft, NIGHT)
    assert len(leased(store, SendingLimits(), NIGHT)) == 1
