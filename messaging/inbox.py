"""Texts that reach us: each is handled once, by the provider's own id (rule M2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from messaging.models import InboundText
from vault.keys import keyring

HELP_EVERY = timedelta(hours=1)
#: Texts of one number that are answered. Anybody can send them in its name: what protects its
#: holder is counted apart, each word by itself, so that the rest uses up nothing of it.
MAX_PER_HOUR, MAX_PER_DAY, MAX_PER_NIGHT = 30, 60, 6
COUNTED_SEPARATELY = ("code", "check", "scam", "refuse")
#: Of codes and CHECK while we are calling the number: so many, whatever came before the call.
MAX_PER_CALL = 6
#: What is noted here of calls to the official line, for whatever number is keyed in: no texts.
_CALL_WORDS = ("keypad", "own", "report")


def record_once(session: Session, provider_id: str, sender: str, word: str, now: datetime) -> bool:
    """Note a text in the caller's transaction; whether it is the first with its id.

    Two at once are ordered by the primary key: the second waits, then finds it taken.
    """
    row = InboundText(
        provider_id=provider_id,
        sender_index=keyring.current_keyring(session).compute_blind_index("phone", sender),
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


def set_inbound_word(session: Session, provider_id: str, word: str) -> None:
    """Note what a text that was no word of ours was taken for: ``other`` gets what can be sent,
    ``answer`` and ``unclear`` belong to a report's question, ``unanswered`` gets nothing."""
    row = session.get_one(InboundText, provider_id)
    row.word = word
    session.add(row)
    session.flush()


def was_asked_again(session: Session, sender: str, since: datetime) -> bool:
    """Whether an unclear answer of this number has been asked for again since then."""
    found = session.exec(
        select(InboundText.provider_id)
        .where(
            col(InboundText.sender_index).in_(
                keyring.current_keyring(session).compute_search_forms("phone", sender)
            ),
            col(InboundText.word) == "unclear",
            col(InboundText.received_at) >= since,
        )
        .limit(1)
    ).first()
    return found is not None


def was_helped_recently(session: Session, sender: str, but: str, now: datetime) -> bool:
    """Whether this number has had the answer on what can be sent within the hour."""
    found = session.exec(
        select(InboundText.provider_id)
        .where(
            col(InboundText.sender_index).in_(
                keyring.current_keyring(session).compute_search_forms("phone", sender)
            ),
            col(InboundText.word) == "other",
            col(InboundText.received_at) > now - HELP_EVERY,
            col(InboundText.provider_id) != but,
        )
        .limit(1)
    ).first()
    return found is not None


def has_texted_too_often(
    session: Session, sender: str, word: str, now: datetime, *, night: datetime | None = None
) -> bool:
    """Whether this number has texted us so often within the hour, the day, or the night that began
    at ``night``, that it gets no more answers. The text itself is noted already."""
    hour, day = timedelta(hours=1), timedelta(days=1)
    at = _received_times(session, sender, word, now - day)
    return (
        len(at) > MAX_PER_DAY
        or sum(item > now - hour for item in at) > MAX_PER_HOUR
        or (night is not None and sum(item >= night for item in at) > MAX_PER_NIGHT)
    )


def count_texts_since(
    session: Session, sender: str, word: str, start: datetime, *, with_it: bool
) -> int:
    """How many texts of this kind came from a number after ``start``, or ``with_it`` at it."""
    at = _received_times(session, sender, word, start)
    return sum(item > start or with_it for item in at)


def _received_times(
    session: Session, sender: str, word: str, start: datetime
) -> Sequence[datetime]:
    """When the texts of the same kind came, from ``start`` on."""
    apart = col(InboundText.word) == word if word in COUNTED_SEPARATELY else None
    rest = col(InboundText.word).not_in((*COUNTED_SEPARATELY, *_CALL_WORDS))
    return session.exec(
        select(InboundText.received_at)
        .where(
            col(InboundText.sender_index).in_(
                keyring.current_keyring(session).compute_search_forms("phone", sender)
            ),
            col(InboundText.received_at) >= start,
            rest if apart is None else apart,
        )
        .limit(1000)
    ).all()
