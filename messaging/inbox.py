"""Inbound texts: each is handled once, by the provider's id (rule M2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from messaging.models import InboundText
from vault.keys import keyring

HELP_EVERY = timedelta(hours=1)
#: Limits of answered texts per number. Senders can be forged, so protective words are counted
#: separately, each by itself, and other texts use up none of their limits.
MAX_PER_HOUR, MAX_PER_DAY, MAX_PER_NIGHT = 30, 60, 6
COUNTED_SEPARATELY = ("code", "check", "scam", "refuse")
#: The limit of codes and CHECK during a call of ours, regardless of earlier texts.
MAX_PER_CALL = 6
#: Words that record calls to the official line, for any number entered; they are not texts.
_CALL_WORDS = ("keypad", "own", "report")


def record_once(session: Session, provider_id: str, sender: str, word: str, now: datetime) -> bool:
    """Record a text in the caller's transaction; return whether it is the first with its id.

    The primary key orders concurrent duplicates: the second waits, then fails.
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
    """Record how a text that was no command was interpreted.

    ``other`` is answered with help, ``answer`` and ``unclear`` belong to a report's question,
    ``unanswered`` gets no reply.
    """
    row = session.get_one(InboundText, provider_id)
    row.word = word
    session.add(row)
    session.flush()


def was_asked_again(session: Session, sender: str, since: datetime) -> bool:
    """Return whether an unclear answer of this number was queried since then."""
    provider_id = session.exec(
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
    return provider_id is not None


def was_helped_recently(session: Session, sender: str, but: str, now: datetime) -> bool:
    """Return whether this number was sent the help text within the hour, except for ``but``."""
    provider_id = session.exec(
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
    return provider_id is not None


def has_texted_too_often(
    session: Session, sender: str, word: str, now: datetime, *, night: datetime | None = None
) -> bool:
    """Return whether this number has reached a limit and gets no more answers.

    The limits are per hour, per day, and for the night that began at ``night``. The current text
    counts already.
    """
    hour, day = timedelta(hours=1), timedelta(days=1)
    at = _received_times(session, sender, word, now - day)
    return (
        len(at) > MAX_PER_DAY
        or sum(received_at > now - hour for received_at in at) > MAX_PER_HOUR
        or (night is not None and sum(received_at >= night for received_at in at) > MAX_PER_NIGHT)
    )


def count_texts_since(
    session: Session, sender: str, word: str, start: datetime, *, with_it: bool
) -> int:
    """Count texts of this kind from a number after ``start``; ``with_it`` includes ``start``."""
    at = _received_times(session, sender, word, start)
    return sum(received_at > start or with_it for received_at in at)


def _received_times(
    session: Session, sender: str, word: str, start: datetime
) -> Sequence[datetime]:
    """Return when texts of the same kind were received, from ``start`` on."""
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
