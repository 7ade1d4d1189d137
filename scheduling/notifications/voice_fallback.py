"""Announces by voice what a text could not deliver to a landline."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from messaging import line_types
from messaging.models import MessageState, OutboxMessage
from messaging.providers.base import TEXT
from scheduling import callback_rows
from scheduling.notifications import callback_notifier
from scheduling.policy import Policy
from scheduling.states import CallbackState

_CALLBACK_KINDS = ("booked", "moved", "again", "handed")
_LOOK_BACK = timedelta(minutes=30)
BATCH_SIZE = 50


def announce_failed_by_voice(session: Session, policy: Policy, now: datetime) -> None:
    """Announce by voice, once each, booked calls whose text failed at a landline.

    This is a job of the worker. Handled rows are marked in their ``error``.
    """
    failed = session.exec(
        select(OutboxMessage)
        .where(
            col(OutboxMessage.settled_at) > now - _LOOK_BACK,
            col(OutboxMessage.state) == MessageState.FAILED,
            col(OutboxMessage.error) == line_types.LANDLINE,
            col(OutboxMessage.medium) == TEXT,
            col(OutboxMessage.kind).in_(_CALLBACK_KINDS),
        )
        .limit(BATCH_SIZE)
        .with_for_update(skip_locked=True)
    ).all()
    for row in failed:
        row.error = "landline, spoken"
        session.add(row)
        callback = (
            callback_rows.lock_callback(session, row.callback_id) if row.callback_id else None
        )
        if (
            callback is not None
            and callback.state == CallbackState.BOOKED
            and callback.ends_at > now
        ):
            callback_notifier.notify_by_voice(session, callback, policy, now)
