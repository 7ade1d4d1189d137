"""Rings customers back who ask the official line for their booked calls.

They are called back because the caller's number can be forged.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from messaging import call_consent, outbox
from messaging.message_kinds import RING_BACK
from messaging.models import OutboxMessage, Priority
from messaging.providers.base import VOICE
from people.customers import customer_number
from scheduling.policy import Policy
from storage import advisory_lock
from vault.keys import keyring

KIND = RING_BACK
MAX_PER_HOUR, MAX_PER_DAY = 3, 6
_VALID_FOR = timedelta(minutes=10)


def queue_ring_back(session: Session, phone: str, policy: Policy, now: datetime) -> None:
    """Queue a call to a customer's number (E.164) within calling hours; ignore unknown numbers.

    Anyone can request this with a forged number. So only one call is placed until a call has been
    accepted by keypress, and at most three an hour and six a day. The caller gets no information.
    """
    advisory_lock.acquire_lock(
        session, keyring.current_keyring(session).compute_stable_form("phone", phone)
    )
    customer = customer_number.find_active_holder(session, phone, now)
    if customer is None:
        return
    decent = policy.calling_hours_for(customer.timezone)
    proven_at = customer_number.last_proof_time(session, phone)
    if decent.next_allowed(now) > now or not call_consent.may_place_requested_call(
        session, customer.id, proven_at, now
    ):
        return
    hour, day = timedelta(hours=1), timedelta(days=1)
    if (
        _count_recent_ring_backs(session, customer.id, now - hour) >= MAX_PER_HOUR
        or _count_recent_ring_backs(session, customer.id, now - day) >= MAX_PER_DAY
    ):
        return
    draft = outbox.NewMessage(
        customer_id=customer.id,
        kind=KIND,
        to=phone,
        body="-",
        due_at=now,
        expires_at=now + _VALID_FOR,
        priority=Priority.ASKED,
        medium=VOICE,
        decent=decent,
    )
    outbox.queue_message(session, draft, now)


def _count_recent_ring_backs(session: Session, customer_id: UUID, since: datetime) -> int:
    return session.exec(
        select(func.count()).where(
            col(OutboxMessage.customer_id) == customer_id,
            col(OutboxMessage.kind) == KIND,
            col(OutboxMessage.created_at) > since,
        )
    ).one()
