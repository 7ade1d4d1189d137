"""Texts that a phone turned out not to take: what they told is said in a call instead."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from messaging import line_types
from messaging.models import MessageState, OutboxMessage
from messaging.providers.base import TEXT
from scheduling import callbacks
from scheduling.notifications import callback_notifier
from scheduling.policy import Policy
from scheduling.states import State

_ABOUT_A_CALL = ("booked", "moved", "again", "handed")
_LATELY = timedelta(minutes=30)
AT_A_TIME = 50


def speak(session: Session, policy: Policy, now: datetime) -> None:
    """Announce by voice the booked calls whose text failed at a landline, each once (a job of the
    worker): a row that has been seen to says so in its error."""
    failed = session.exec(
        select(OutboxMessage)
        .where(
            col(OutboxMessage.settled_at) > now - _LATELY,
            col(OutboxMessage.state) == MessageState.FAILED,
            col(OutboxMessage.error) == line_types.LANDLINE,
            col(OutboxMessage.medium) == TEXT,
            col(OutboxMessage.kind).in_(_ABOUT_A_CALL),
        )
        .limit(AT_A_TIME)
        .with_for_update(skip_locked=True)
    ).all()
    for row in failed:
        row.error = "landline, spoken"
        session.add(row)
        callback = callbacks.locked(session, row.callback_id) if row.callback_id else None
        if callback is not None and callback.state == State.BOOKED and callback.ends_at > now:
            callback_notifier.aloud(session, callback, policy, now)
