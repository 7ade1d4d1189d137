"""M5: a list of stolen numbers opens less than one own page a year, and guessing locks out nobody
who texts us from their phone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from incidents.anomaly_detection import page_number_guesses
from incidents.cases.models import Case, CaseEvidence
from people.models import NumberProof, PageNumberTries
from tests import databases, factories
from tests.security_rules.support.stranger_requests import SETTINGS, Outside
from vault.keys import field_encryption
from verification import page_number_limits

pytestmark = pytest.mark.settings(**SETTINGS)
PHONE, UNKNOWN = "+447400123456", "+447400999999"
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
STOLEN = 10_000


@pytest.fixture
def there(app, database) -> databases.Store:
    return databases.opened(database)


@pytest.fixture
def outside(app, there, clock) -> Outside:
    clock.now = NOON
    with there.unit() as session:
        factories.a_customer(session, clock.now, PHONE)
    return Outside(app, clock)


def open_number(there) -> str:
    """The page number that is good just now."""
    with there.unit() as session:
        row = session.exec(select(NumberProof).where(NumberProof.closed_at.is_(None))).one()
        key = field_encryption.load_data_key(session, row.customer_id)
        from verification import codes

        secret = key.open_field("number_proof", "secret", row.id, row.secret)
        return codes.hotp_code(secret, row.counter, page_number_limits.DIGITS)


def too_many_guess(there, clock) -> None:
    with there.unit() as session:
        page_number_limits.add_wrong_tries(
            session, page_number_limits.MAX_WRONG_PER_HOUR, clock.now
        )


def test_ten_thousand_stolen_numbers_open_less_than_one_page_a_year():
    """By the code's own constants: on the web and by forged texts together, with a network for
    every try. On c916469 it was 0.15 an hour."""
    tries_a_day = page_number_limits.MAX_PER_DAY * page_number_limits.MAX_TRIES
    by_hand = 365 * STOLEN * tries_a_day / 10**page_number_limits.DIGITS
    assert by_hand < 0.5
    assert page_number_limits.expected_opened_per_year(STOLEN) <= 2 * by_hand < 1
    assert 365 * page_number_limits.MAX_WRONG_PER_DAY / 10**page_number_limits.DIGITS < 0.02
    # However long the list is, the web gives no more than its bound.
    on_the_web = (
        page_number_limits.expected_opened_per_year(10**7) - 365 * 10**7 * tries_a_day / 10**8
    )
    assert on_the_web < 0.02


def test_a_phone_has_no_more_tries_in_a_day_than_the_arithmetic_says(outside, there, clock):
    """Somebody asks and tries every twenty minutes, on the web and by forged texts."""
    for n in range(3 * 24):
        if n % 2:
            outside.asks_page_number(PHONE, "voice" if n % 4 == 1 else "text")
        else:
            outside.texts(PHONE, "PAGE")
        for guess in range(5):
            outside.tries_page_number(PHONE, f"{guess:0{page_number_limits.DIGITS}d}")
        outside.waits(minutes=20)
    rows = there.all(select(NumberProof))
    assert (
        sum(row.tries for row in rows)
        <= 2 * page_number_limits.MAX_PER_DAY * page_number_limits.MAX_TRIES
    )
    assert all(row.tries <= page_number_limits.MAX_TRIES for row in rows)


def test_at_the_bound_the_web_gives_and_takes_none_and_says_so_to_nobody(outside, there, clock):
    """Was red on c916469, which had no bound."""
    before = outside.asks_page_number(PHONE)
    number = open_number(there)
    too_many_guess(there, clock)
    assert outside.tries_page_number(PHONE, number) == 422
    outside.waits(minutes=1)
    outside.works()
    outside.left.clear()
    assert outside.asks_page_number(PHONE) == before == outside.asks_page_number(UNKNOWN)
    assert outside.works() == []
    clock.now = NOON + timedelta(hours=1, minutes=1)
    outside.asks_page_number(PHONE)
    assert outside.tries_page_number(PHONE, open_number(there)) == 303


def test_at_the_bound_who_texts_us_from_their_phone_is_let_in(outside, there, clock):
    too_many_guess(there, clock)
    told = outside.texts(PHONE, "PAGE")
    assert told is not None
    found = re.search(r"\d{4} \d{4}", told)
    assert found is not None
    assert outside.tries_page_number(PHONE, found[0]) == 303


@pytest.mark.parametrize("word", ["page", "Seite", "PÁGINA", "Page please"])
def test_the_word_is_understood_in_each_language(outside, word):
    assert re.search(r"\d{4} \d{4}", outside.texts(PHONE, word) or "")


def test_a_phone_that_we_do_not_know_is_texted_no_page_number(outside, there):
    told = outside.texts(UNKNOWN, "PAGE")
    assert told is not None
    assert not re.search(r"\d{4} \d{4}", told)
    assert there.all(select(NumberProof)) == []


def test_wrong_tries_over_all_phones_and_networks_are_counted(outside, there, clock, monkeypatch):
    """Known or not, one each; the bound is met by their sum."""
    monkeypatch.setattr(page_number_limits, "MAX_WRONG_PER_HOUR", 8)
    others = [f"+4474004{n:05d}" for n in range(5)]
    for phone in [PHONE, *others]:
        outside.asks_page_number(phone)
    for n, phone in enumerate([PHONE, *others] * 2):
        outside.tries_page_number(phone, f"{n:08d}")
    (row,) = there.all(select(PageNumberTries))
    assert row.wrong == 8


def test_the_bound_raises_one_case_and_shows_in_readyz_and_the_metrics(outside, there, client):
    now = outside.clock.now

    def look() -> None:
        with there.unit() as session:
            page_number_guesses.open_guessing_case(session, now)

    look()
    assert there.all(select(Case)) == []
    assert client.get("/readyz").json["parts"]["page_numbers"] == "ok"
    too_many_guess(there, outside.clock)
    look()
    look()
    (case,) = there.all(select(Case))
    assert case.kind == "guesses"
    assert len(there.all(select(CaseEvidence))) == 1
    assert "by text" in client.get("/readyz").json["parts"]["page_numbers"]
    assert "vouchline_page_numbers_wrong_this_hour 1000" in client.get("/metrics").text


def test_a_number_that_is_not_sent_leaves_the_one_before_good(outside, there, clock):
    """A stranger who asks again when nothing may be sent closes nothing."""
    clock.now = NOON.replace(hour=23)
    outside.asks_page_number(PHONE)
    number = open_number(there)
    outside.asks_page_number(PHONE)
    outside.asks_page_number(PHONE, "voice")
    assert outside.tries_page_number(PHONE, number) == 303
