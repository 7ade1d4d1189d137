"""Limits on page numbers and on attempts at them.

Anybody can request the page number of any phone and guess it. An attacker with a list of stolen
numbers guesses at each, so the attempts over all numbers count: :func:`expected_opened_per_year`
computes what they can expect to open. In addition, wrong attempts are limited over all networks;
while that limit is reached, page numbers are sent only in answer to a text from the phone itself,
so that nobody is locked out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, delete, select

from people.models import NumberProof, PageNumberTries
from storage.upsert import insert_on_conflict

DIGITS = 8
VALID_FOR = timedelta(minutes=10)
MAX_TRIES = 3
#: Page numbers per phone: this many requested on the web, and as many again by its own texts.
MAX_PER_HOUR, MAX_PER_DAY = 2, 4
#: Wrong attempts at page numbers requested on the web, over all networks and phones.
MAX_WRONG_PER_HOUR, MAX_WRONG_PER_DAY = 1_000, 5_000
WEB, TEXT, HELD = "web", "text", "held"
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def expected_opened_per_year(phones: int) -> float:
    """Return how many pages an attacker can expect to open in a year by guessing.

    Assumes that they request a page number of each of ``phones`` numbers whenever the limits allow,
    on the web and by forged texts, and use a new network for each attempt. The limit over all
    networks lowers the result.
    """
    tries_a_day = phones * MAX_PER_DAY * MAX_TRIES
    web_tries_a_day = min(tries_a_day, MAX_WRONG_PER_DAY)
    return float(365 * (web_tries_a_day + tries_a_day) / 10**DIGITS)


def is_quota_used_up(session: Session, forms: Sequence[bytes], by: str, now: datetime) -> bool:
    """Return whether a phone has used up its page numbers of the hour or of the day."""
    sources = (TEXT,) if by == TEXT else (WEB, HELD)
    sent_at = session.exec(
        select(NumberProof.made_at).where(
            col(NumberProof.phone_index).in_(forms),
            col(NumberProof.asked_by).in_(sources),
            col(NumberProof.made_at) > now - _DAY,
        )
    ).all()
    return len(sent_at) >= MAX_PER_DAY or sum(at > now - _HOUR for at in sent_at) >= MAX_PER_HOUR


def count_sent_since(session: Session, forms: Sequence[bytes], since: datetime) -> int:
    """Count the page numbers sent to a phone because of requests on the web."""
    return session.exec(
        select(func.count()).where(
            col(NumberProof.phone_index).in_(forms),
            col(NumberProof.asked_by) == WEB,
            col(NumberProof.made_at) > since,
        )
    ).one()


def count_wrong_tries(session: Session, now: datetime) -> tuple[int, int]:
    """Count the wrong attempts of this hour, and of the 24 hours that end with it."""
    hour = _hour_number(now)
    rows = session.exec(
        select(PageNumberTries.hour, PageNumberTries.wrong).where(
            col(PageNumberTries.hour) > hour - 24, col(PageNumberTries.hour) <= hour
        )
    ).all()
    return sum(wrong for at, wrong in rows if at == hour), sum(wrong for _, wrong in rows)


def is_guess_limit_reached(session: Session, now: datetime) -> bool:
    """Return whether there were so many wrong attempts that the web currently issues and accepts
    none."""
    hour, day = count_wrong_tries(session, now)
    return hour >= MAX_WRONG_PER_HOUR or day >= MAX_WRONG_PER_DAY


def add_wrong_tries(session: Session, wrong: int, now: datetime) -> None:
    """Count wrong attempts, in the caller's transaction."""
    table = PageNumberTries.__table__  # type: ignore[attr-defined]
    values = {"hour": _hour_number(now), "wrong": wrong}
    session.connection().execute(
        insert_on_conflict(session, table, values).on_conflict_do_update(
            index_elements=["hour"], set_={"wrong": table.c.wrong + wrong}
        )
    )


def prune_wrong_tries(session: Session, now: datetime) -> None:
    """Delete counts that no limit uses any more (a job of the worker)."""
    session.exec(delete(PageNumberTries).where(col(PageNumberTries.hour) < _hour_number(now) - 48))


def _hour_number(now: datetime) -> int:
    return (now - _EPOCH) // _HOUR
