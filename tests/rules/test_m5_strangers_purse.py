"""M5: what anybody can trigger has a small count and a small purse of its own, and crowds out
nothing that protects a customer."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from messaging.models import OutboxMessage
from scheduling.models import Callback
from tests import databases, factories
from tests.rules.strangers import SETTINGS, Outside

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
    from people import customers

    with there.unit() as session:
        who = customers.find_by_phone(session, phone)
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
    assert [each.kind for each in outside.works()] == ["booked"]


def _told_outcome(there, clock, n: int) -> None:
    """A stranger reports a call to somebody else's number, and wants to know what came of it."""
    from incidents import outcomes, reports
    from messaging import wording

    with there.unit() as session:
        told = reports.Told(phone=PHONE, channel="web", said=f"call {n}", tell_outcome=True)
        reference = reports.file(session, told, clock.now)
        report = reports.find(session, reference)
        assert report is not None
        outcomes.tell_outcome(session, report, next(iter(wording.OUTCOMES)), clock.now)
        outcomes.tell(session, factories.a_policy(), clock.now)


@pytest.mark.settings(**SETTINGS, spending_per_hour="1", spending_per_day="100")
@pytest.mark.parametrize("trick", ["page numbers", "codes", "words", "calls", "outcomes"])
def test_a_stranger_empties_no_purse_that_a_verdict_needs(outside, there, clock, trick):
    """Whoever strangers say they are and whatever they ask: the right code is answered, or not
    used up; and here there is money for it. Was red on c916469."""
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
            assert inbox.first_time(session, f"CA{n}-1", PHONE, "keypad", outside.clock.now)
    assert outside.texts(PHONE, "CHECK") is not None


@pytest.mark.settings(**SETTINGS, worker_hands=1)
def test_a_flood_of_page_numbers_holds_up_no_announcement(outside, there, clock):
    """Two hundred are due before it; a round takes eight. Was red on c916469."""
    others = [f"+44740041{n:04d}" for n in range(200)]
    with there.unit() as session:
        for each in others:
            factories.a_customer(session, clock.now, each)
    for each in others:
        outside.asks_page_number(each)
    a_booking(there, clock, minutes=120)
    assert "booked" in {each.kind for each in outside.works(8)}


def test_what_strangers_set_off_is_counted_by_number_and_in_all(outside, there, clock):
    """A week of page numbers and calls asked for every ten minutes."""
    for _ in range(6 * 24 * 2):
        outside.asks_page_number(PHONE)
        outside.asks_page_number(PHONE, "voice")
        outside.rings_and_asks(PHONE)
        outside.works()
        outside.waits(minutes=10)
    media = Counter(each.medium for each in outside.left)
    assert media["voice"] == 1
    assert media["text"] <= 2 * 4


def test_every_kind_of_message_says_whether_anybody_can_set_it_off(there):
    """A new kind has to be put on one side or the other."""
    import ast
    from pathlib import Path

    from messaging import kinds

    found = set()
    for path in [
        p for top in ("scheduling", "verification", "incidents") for p in Path(top).rglob("*.py")
    ]:
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.keyword)
                and node.arg == "kind"
                and isinstance(node.value, ast.Constant)
            ):
                found.add((path.name, node.value.value))
    named = {value for _, value in found}
    assert {"proof", "outcome"} <= named | kinds.ANYBODY
    assert kinds.ANYBODY.isdisjoint(kinds.PROTECTS)
