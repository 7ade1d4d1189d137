"""Consent to automatic calls that anyone can request, also to another person's phone.

One such call is placed; further ones only after the holder of the phone has accepted one (rule M4).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, func, or_
from sqlmodel import Session, col, select

from messaging.message_kinds import PAGE_NUMBER, RING_BACK
from messaging.models import MessageState, OutboxMessage
from messaging.providers.base import VOICE

#: How long after an unwanted call another one may be placed.
UNWANTED_CALL_PAUSE = timedelta(days=30)
_UNSENT_STATES = (MessageState.FAILED, MessageState.EXPIRED)


def may_place_requested_call(
    session: Session, customer_id: UUID, proven_at: datetime | None, now: datetime
) -> bool:
    """Return whether a customer may be called at somebody's request.

    ``proven_at`` is when their number was last proven. A ring-back counts as wanted if it was
    accepted by keypress; a page number that was read out but never entered does not.
    """
    since = max(now - UNWANTED_CALL_PAUSE, proven_at) if proven_at else now - UNWANTED_CALL_PAUSE
    heard = and_(col(OutboxMessage.kind) == RING_BACK, col(OutboxMessage.heard_at).is_not(None))
    never = and_(
        col(OutboxMessage.state).in_(_UNSENT_STATES), col(OutboxMessage.first_tried_at).is_(None)
    )
    unwanted = session.exec(
        select(func.count()).where(
            col(OutboxMessage.customer_id) == customer_id,
            col(OutboxMessage.medium) == VOICE,
            col(OutboxMessage.kind).in_((PAGE_NUMBER, RING_BACK)),
            col(OutboxMessage.created_at) > since,
            ~or_(heard, never),
        )
    ).one()
    return unwanted == 0


def record_message_heard(session: Session, message_id: UUID, now: datetime) -> None:
    """Record that the person called pressed the key to hear the message."""
    row = session.get(OutboxMessage, message_id)
    if row is not None and row.heard_at is None:
        row.heard_at = now
        session.add(row)
        session.flush()
