"""M5: what anybody can trigger has a small count and a small budget of its own, and crowds out
nothing that protects a customer."""

from __future__ import annotations

import ast
import os
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlmodel import select

from config.settings import ROOT
from incidents.reports.models import Report
from messaging import message_kinds
from messaging.models import OutboxMessage
from people.models import Customer
from scheduling.models import Callback
from scheduling.notifications import callback_notifier
from tests import databases, factories
from tests.security_rules.support import stranger_model
from tests.security_rules.support.stranger_requests import SETTINGS, Outside
from verification import page_number_limits

pytestmark = pytest.mark.settings(**SETTINGS)
PHONE = "+447400123456"
MORNING = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


@pytest.fixture
def there(app, database) -> databases.Store:
    return databases.opened(database)


@pytest.fixture
def outside(app, there, clock) -> Outside:
    clock.now = MORNING
    with there.unit() as session:
        factories.a_customer(session, clock.now, PHONE)
    return Outside(app, clock)


def a_booking(there, clock, minutes: int = 40, phone: str = PHONE) -> None:
    from people.customers import customer_records

    with there.unit() as session:
        who = customer_records.find_by_phone(session, phone)
        factories.a_callback(session, clock.now, customer=who, ahead=timedelta(minutes=minutes))


@pytest.mark.parametrize("trick", ["text", "voice", "both", "outcome"])
def test_a_stranger_uses_up_no_text_of_an_announcement(outside, there, clock, trick):
    """Thirty page numbers in ten hours, then a booking is made up. Was red on c916469."""
    for n in range(40):
        if trick == "outcome":
            _told_outcome(there, clock, n)
        for medium in {"both": ("text", "voice"), "outcome": ()}.get(trick, (trick,)):
            outside.asks_page_number(PHONE, medium)
        outside.works()
        outside.waits(minutes=15)
    a_booking(there, clock)
    assert [work.kind for work in outside.works()] == ["booked"]


def _told_outcome(there, clock, n: int) -> None:
    """A stranger reports a call to the number of another person, and asks for the outcome."""
    from incidents.reports import report_fields, reporter_feedback, submission
    from messaging import report_texts

    with there.unit() as session:
        told = report_fields.ReportSubmission(
            phone=PHONE, channel="web", said=f"call {n}", tell_me=True
        )
        report = submission.submit_report(session, told, clock.now)
        reporter_feedback.record_report_outcome(
            session, report, next(iter(report_texts.REPORT_OUTCOMES)), clock.now
        )
        reporter_feedback.queue_feedback_texts(session, factories.a_policy(), clock.now)


@pytest.mark.settings(**SETTINGS, spending_per_hour="1", spending_per_day="100")
@pytest.mark.parametrize("trick", ["page numbers", "codes", "words", "calls", "outcomes"])
def test_a_stranger_empties_no_purse_that_a_verdict_needs(outside, there, clock, trick):
    """The right code is answered or not used up, no matter what strangers ask and under which
    name. In this test there is money for the answer. Was red on c916469."""
    call = factories.a_call(there, clock.now, PHONE)
    outside.works()
    others = [f"+44740040{n:04d}" for n in range(40)]
    with there.unit() as session:
        for each in others[:20]:
            factories.a_customer(session, clock.now, each)
    for n, each in enumerate(others):
        _spend(outside, there, clock, trick, each, n)
        outside.works()
    told = outside.texts(PHONE, call.code)
    assert told is not None
    assert "GENUINE" in told


def _spend(outside, there, clock, trick: str, phone: str, n: int) -> None:
    if trick == "page numbers":
        outside.asks_page_number(phone)
    elif trick == "codes":
        outside.texts(phone, f"{n:06d}")
    elif trick == "words":
        for word in ("CHECK", "SCAM", "hello"):
            outside.texts(phone, word)
    elif trick == "calls":
        outside.rings_and_asks(phone)
    else:
        _told_outcome(there, clock, n)


@pytest.mark.settings(**SETTINGS, spending_per_hour="0.01")
def test_a_check_that_cannot_be_answered_is_not_evaluated(outside, there, clock, client):
    """The right code is good on the web afterwards. Was red on c916469."""
    call = factories.a_call(there, clock.now, PHONE)
    assert outside.texts(PHONE, call.code) is None
    (kept,) = there.all(select(Callback))
    assert kept.state == "started"
    answer = client.post("/api/v1/checks", json={"phone": PHONE, "code": call.code})
    assert answer.json["verdict"] == "genuine"


def test_forged_texts_silence_neither_check_nor_code(outside, there, clock):
    """Texts that say they come from a customer, and codes keyed in for their number, use up the
    answers they get otherwise. CHECK was red on c916469."""
    for n in range(60):
        outside.texts(PHONE, ["SCAM", "hello", "MOVE"][n % 3])
    call = factories.a_call(there, clock.now, PHONE)
    checked = outside.texts(PHONE, "CHECK")
    assert checked is not None
    assert "Ana is calling you" in checked
    assert "GENUINE" in (outside.texts(PHONE, call.code) or "")


def test_codes_keyed_in_for_somebodys_number_silence_none_of_their_texts(outside, there, client):
    """Was red on c916469."""
    from messaging import inbox

    for n in range(40):
        with outside.unit() as session:
            assert inbox.record_once(session, f"CA{n}-1", PHONE, "keypad", outside.clock.now)
    assert outside.texts(PHONE, "CHECK") is not None


@pytest.mark.parametrize("flood", [["hello"], ["MOVE"], ["CHECK"], ["000000"], ["PAGE", "SCAM"]])
def test_forged_texts_keep_nobody_from_refusing_a_call_that_was_made_up(
    outside, there, clock, flood
):
    """After a flood in the customer's name REFUSE is done all the same, and answered. Was red on
    c916469."""
    a_booking(there, clock)
    for _ in range(40):
        for word in flood:
            outside.texts(PHONE, word)
    told = outside.texts(PHONE, "REFUSE")
    assert told is not None
    assert "We will not ring you" in told
    assert there.all(select(Callback))[0].state == "refused"


def test_forged_texts_keep_nobody_from_reporting_a_call(outside, there):
    """Was red on c916469."""
    for _ in range(40):
        outside.texts(PHONE, "hello")
    assert "your report R" in (outside.texts(PHONE, "SCAM") or "")
    assert len(there.all(select(Report))) == 1


@pytest.mark.settings(**SETTINGS, spending_per_hour="0.01")
def test_nobody_changes_the_safe_phrase_of_a_customer_who_is_not_told(outside, there):
    """With the budget empty a stranger could else set it, and text as us. Was red on c916469."""
    before = [row.safe_phrase for row in there.all(select(Customer))]
    assert outside.texts(PHONE, "PHRASE blue moon") is None
    assert [row.safe_phrase for row in there.all(select(Customer))] == before


def test_the_phrase_is_changed_no_more_often_than_its_warnings_are_affordable(store, clock):
    """They are under no limit by number, so a customer's own page could empty the budget."""
    with store.unit() as session:
        who = factories.a_customer(session, clock.now, PHONE)
        policy = factories.a_policy()
        told = [
            callback_notifier.notify_phrase_changed(session, who, "blue moon", policy, clock.now)
            for _ in range(8)
        ]
    assert told.count(True) == callback_notifier.MAX_PHRASES_PER_DAY
    assert len(store.all(select(OutboxMessage))) == callback_notifier.MAX_PHRASES_PER_DAY


@pytest.mark.settings(**SETTINGS, worker_concurrency=1)
def test_a_flood_of_page_numbers_holds_up_no_announcement(outside, there, clock):
    """Sixty are due before it; a round takes eight. Was red on c916469."""
    others = [f"+44740041{n:04d}" for n in range(60)]
    with there.unit() as session:
        for other in others:
            factories.a_customer(session, clock.now, other)
    for other in others:
        outside.asks_page_number(other)
    a_booking(there, clock, minutes=120)
    assert "booked" in {work.kind for work in outside.works(8)}


def test_what_strangers_set_off_is_counted_by_number(outside, there, clock):
    """Three days of page numbers and calls, asked for every three hours. Was red on c916469."""
    for _ in range(3 * 8):
        outside.asks_page_number(PHONE)
        outside.asks_page_number(PHONE, "voice")
        outside.rings_and_asks(PHONE)
        outside.works()
        outside.waits(hours=3)
    media = Counter(item.medium for item in outside.left)
    assert media["voice"] == 1
    assert media["text"] <= 3 * page_number_limits.MAX_PER_DAY


def test_every_kind_of_message_says_whether_anybody_can_set_it_off():
    """A new kind has to be put on one side or the other."""
    found = {kind for path in _sources() for kind in _kinds_in(path)}
    assert found >= {"booked", "earlier"}
    assert message_kinds.ANYONE_CAN_TRIGGER.isdisjoint(message_kinds.PROTECTIVE_KINDS)
    assert found <= message_kinds.ANYONE_CAN_TRIGGER | message_kinds.PROTECTIVE_KINDS


def _sources() -> list[Path]:
    tops = ("messaging", "scheduling", "verification", "incidents", "procedures", "channels")
    return [path for top in tops for path in (ROOT / top).rglob("*.py")]


def _kinds_in(path: Path) -> Iterator[str]:
    """What a message is called where it is made: a Draft's kind, or the first of a teller."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        given = [keyword.value for keyword in node.keywords if keyword.arg == "kind"]
        if name in ("queue_notice", "notify_upcoming") and len(node.args) > 1:
            given += node.args[:1]
        if name in ("NewMessage", "queue_notice", "notify_upcoming"):
            yield from (
                item.value
                for item in given
                if isinstance(item, ast.Constant) and isinstance(item.value, str)
            )


def test_a_stranger_who_may_do_anything_for_a_week_silences_nothing(store):
    """Whatever they do, in whatever order: each announcement leaves at once, each verdict is
    answered, and the customer gets few texts and one call."""
    run_state_machine_as_test(
        lambda: stranger_model.Machine(store),
        settings=settings(
            max_examples=int(os.environ.get("VOUCHLINE_TEST_STRANGERS", "6")),
            stateful_step_count=30,
            deadline=None,
            derandomize="VOUCHLINE_TEST_STRANGERS" not in os.environ,
            suppress_health_check=list(HealthCheck),
        ),
    )
