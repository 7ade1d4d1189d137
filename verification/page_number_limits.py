"""How many page numbers there are, and how many tries at them.

Anybody can ask for the page number of any phone and guess it. With a list of stolen numbers they
guess at each, so what counts is all tries over all numbers: :func:`expected_opened_per_year` is
what they can expect to open. A bound on wrong tries over all networks comes on top; while it is
reached, page numbers are given only in answer to a text from the phone itself, so that nobody is
locked out.
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
#: Page numbers of one phone: so many asked for on the web, and as many again by its own texts.
MAX_PER_HOUR, MAX_PER_DAY = 2, 4
#: Wrong tries at page numbers that were asked for on the web, over all networks and phones.
MAX_WRONG_PER_HOUR, MAX_WRONG_PER_DAY = 1_000, 5_000
WEB, TEXT, HELD = "web", "text", "held"
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def expected_opened_per_year(phones: int) -> float:
    """How many pages somebody can expect to open in a year by guessing, who asks for a page number
    of each of so many phones whenever they can, on the web and by forged texts, and has a network
    for each try. Less than that, by the bound over all networks."""
    tries_a_day = phones * MAX_PER_DAY * MAX_TRIES
    on_the_web = min(tries_a_day, MAX_WRONG_PER_DAY)
    return float(365 * (on_the_web + tries_a_day) / 10**DIGITS)


def is_quota_used_up(session: Session, forms: Sequence[bytes], by: str, now: datetime) -> bool:
    """Whether a phone has had its page numbers of the hour or of the day."""
    asked = (TEXT,) if by == TEXT else (WEB, HELD)
    made = session.exec(
        select(NumberProof.made_at).where(
            col(NumberProof.phone_index).in_(forms),
            col(NumberProof.asked_by).in_(asked),
            col(NumberProof.made_at) > now - _DAY,
        )
    ).all()
    return len(made) >= MAX_PER_DAY or sum(at > now - _HOUR for at in made) >= MAX_PER_HOUR


def count_sent_since(session: Session, forms: Sequence[bytes], since: datetime) -> int:
    """How many were sent to a phone because somebody asked on the web."""
    return session.exec(
        select(func.count()).where(
            col(NumberProof.phone_index).in_(forms),
            col(NumberProof.asked_by) == WEB,
            col(NumberProof.made_at) > since,
        )
    ).one()


def count_wrong_tries(session: Session, now: datetime) -> tuple[int, int]:
    """The wrong tries of this hour, and of the 24 hours that end with it."""
    hour = _hour_number(now)
    rows = session.exec(
        select(PageNumberTries.hour, PageNumberTries.wrong).where(
            col(PageNumberTries.hour) > hour - 24, col(PageNumberTries.hour) <= hour
        )
    ).all()
    return sum(wrong for at, wrong in rows if at == hour), sum(wrong for _, wrong in rows)


def is_guess_limit_reached(session: Session, now: datetime) -> bool:
    """Whether so many wrong ones were typed that the web gives and takes none just now."""
    hour, day = count_wrong_tries(session, now)
    return hour >= MAX_WRONG_PER_HOUR or day >= MAX_WRONG_PER_DAY


def add_wrong_tries(session: Session, wrong: int, now: datetime) -> None:
    """Count wrong tries, in the caller's transaction."""
    table = PageNumberTries.__table__  # type: ignore[attr-defined]
    values = {"hour": _hour_number(now), "wrong": wrong}
    session.connection().execute(
        insert_on_conflict(session, table, values).on_conflict_do_update(
            index_elements=["hour"], set_={"wrong": table.c.wrong + wrong}
        )
    )


def prune_wrong_tries(session: Session, now: datetime) -> None:
    """Drop the counts that no bound looks at any more (a job of the worker)."""
    session.exec(delete(PageNumberTries).where(col(PageNumberTries.hour) < _hour_number(now) - 48))


def _hour_number(now: datetime) -> int:
    return (now - _EPOCH) // _HOUR
