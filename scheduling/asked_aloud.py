"""A customer rings the official line and asks for their booked calls: they are rung back, since the
number that a call comes from can be forged."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, select

from messaging import outbox
from messaging.gateways.base import VOICE
from messaging.models import OutboxMessage, Priority
from people import numbers

KIND = "own"
MAX_AN_HOUR = 3
_GOOD_FOR = timedelta(minutes=10)


def ring_back(session: Session, phone: str, now: datetime) -> None:
    """Ring a customer of ours (E.164) back, three times an hour at the most; nobody else. The
    caller learns nothing by it."""
    customer = numbers.holder(session, phone, now)
    if customer is None:
        return
    lately = session.exec(
        select(func.count()).where(
            col(OutboxMessage.customer_id) == customer.id,
            col(OutboxMessage.kind) == KIND,
            col(OutboxMessage.created_at) > now - timedelta(hours=1),
        )
    ).one()
    if lately >= MAX_AN_HOUR:
        return
    draft = outbox.Draft(
        customer_id=customer.id,
        kind=KIND,
        to=phone,
        body="-",
        due_at=now,
        expires_at=now + _GOOD_FOR,
        priority=Priority.ANSWER,
        medium=VOICE,
    )
    outbox.put(session, draft, now)
