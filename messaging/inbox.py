"""Texts that reach us: each is handled once, by the provider's own id (rule M2)."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from messaging.models import InboundText
from vault import keyring

HELP_EVERY = timedelta(hours=1)
MOST_AN_HOUR = 30


def first_time(session: Session, provider_id: str, sender: str, word: str, now: datetime) -> bool:
    """Note a text in the caller's transaction; whether it is the first with its id.

    Two at once are ordered by the primary key: the second waits, then finds it taken.
    """
    row = InboundText(
        provider_id=provider_id,
        sender_index=keyring.of(session).blind_index("phone", sender),
        word=word,
        received_at=now,
    )
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        return False
    return True


def note(session: Session, provider_id: str, word: str) -> None:
    """Note what a text that was no word of ours was taken for: ``other`` gets what can be sent,
    ``answer`` and ``unclear`` belong to a report's question, ``unanswered`` gets nothing."""
    row = session.get_one(InboundText, provider_id)
    row.word = word
    session.add(row)
    session.flush()


def was_unclear(session: Session, sender: str, since: datetime) -> bool:
    """Whether an unclear answer of this number has been asked for again since then."""
    found = session.exec(
        select(InboundText.provider_id)
        .where(
            col(InboundText.sender_index).in_(keyring.of(session).forms("phone", sender)),
            col(InboundText.word) == "unclear",
            col(InboundText.received_at) >= since,
        )
        .limit(1)
    ).first()
    return found is not None


def helped_lately(session: Session, sender: str, but: str, now: datetime) -> bool:
    """Whether this number has had the answer on what can be sent within the hour."""
    found = session.exec(
        select(InboundText.provider_id)
        .where(
            col(InboundText.sender_index).in_(keyring.of(session).forms("phone", sender)),
            col(InboundText.word) == "other",
            col(InboundText.received_at) > now - HELP_EVERY,
            col(InboundText.provider_id) != but,
        )
        .limit(1)
    ).first()
    return found is not None


def too_many(session: Session, sender: str, now: datetime) -> bool:
    """Whether this number has texted us so often within the hour that it gets no more answers."""
    count = session.exec(
        select(func.count())
        .select_from(InboundText)
        .where(
            col(InboundText.sender_index).in_(keyring.of(session).forms("phone", sender)),
            col(InboundText.received_at) > now - timedelta(hours=1),
        )
    ).one()
    return count > MOST_AN_HOUR
