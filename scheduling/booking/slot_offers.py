"""Slots that a customer can accept by texting a number, offered after MOVE or when one becomes
free.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select, update

from people.models import Customer
from scheduling import callback_rows
from scheduling.availability import slot_search
from scheduling.availability.agent_availability import Callee
from scheduling.booking import time_changes
from scheduling.error_codes import SchedulingErrorCode
from scheduling.errors import SlotTaken
from scheduling.models import Callback, SlotOffer
from scheduling.policy import Policy
from scheduling.states import CallbackState
from vault.audit import audit_log

MAX_OFFERS = 3
OFFER_VALID_FOR = timedelta(hours=24)
_LOOK_AHEAD = timedelta(days=14)
#: The first slot offered leaves the customer time to answer.
_MIN_NOTICE = timedelta(hours=1)
_MIN_SPACING = timedelta(hours=3)


def offer_other_slots(
    session: Session, callback: Callback, policy: Policy, now: datetime
) -> list[SlotOffer]:
    """Offer other slots of the same agent for a booked callback, and close earlier offers.

    The first offer is the first free slot; the others are at other times of day or on other days.
    Offers reserve nothing.
    """
    customer = session.get_one(Customer, callback.customer_id)
    span = (now + _MIN_NOTICE, now + _LOOK_AHEAD)
    free_slots = slot_search.find_free_slots(
        session,
        callback.agent_id,
        Callee(customer.timezone, customer.id),
        span,
        callback.minutes,
        policy,
        now,
        limit=400,
        but=callback.id,
    )
    others = [
        slot for slot in free_slots if abs(slot - callback.starts_at) >= timedelta(minutes=15)
    ]
    return replace_offers(session, callback, callback.agent_id, _spread_slots(others), now)


def _spread_slots(found: Sequence[datetime]) -> list[datetime]:
    chosen: list[datetime] = []
    for slot in found:
        if not chosen or slot - chosen[-1] >= _MIN_SPACING:
            chosen.append(slot)
        if len(chosen) == MAX_OFFERS:
            break
    return chosen


def replace_offers(
    session: Session,
    callback: Callback,
    agent_id: UUID,
    times: Sequence[datetime],
    now: datetime,
) -> list[SlotOffer]:
    """Offer exactly these times, numbered from 1, in place of all earlier offers."""
    close_offers(session, callback.customer_id, now)
    offers = [
        SlotOffer(
            customer_id=callback.customer_id,
            callback_id=callback.id,
            number=number,
            agent_id=agent_id,
            starts_at=starts_at,
            made_at=now,
            expires_at=min(now + OFFER_VALID_FOR, starts_at),
        )
        for number, starts_at in enumerate(times, 1)
    ]
    session.add_all(offers)
    session.flush()
    return offers


def close_offers(session: Session, customer_id: UUID, now: datetime) -> None:
    """Close all open offers of a customer."""
    session.exec(
        update(SlotOffer)
        .where(col(SlotOffer.customer_id) == customer_id, col(SlotOffer.closed_at).is_(None))
        .values(closed_at=now)
    )


def list_open_offers(session: Session, customer_id: UUID, now: datetime) -> list[SlotOffer]:
    """Return the offers that the customer can accept now, by number."""
    return list(
        session.exec(
            select(SlotOffer)
            .where(
                col(SlotOffer.customer_id) == customer_id,
                col(SlotOffer.closed_at).is_(None),
                col(SlotOffer.expires_at) > now,
            )
            .order_by(col(SlotOffer.number))
        )
    )


def accept_offer(
    session: Session, offer: SlotOffer, policy: Policy, now: datetime
) -> Callback | None:
    """Move the callback to the accepted time; return ``None`` if it is no longer booked.

    Raise ``SlotTaken`` if the slot has been reserved meanwhile or is too soon.
    """
    callback = callback_rows.lock_callback(session, offer.callback_id)
    if callback is None or callback.state != CallbackState.BOOKED:
        return None
    if offer.starts_at < now + timedelta(minutes=policy.min_notice_minutes):
        raise SlotTaken(SchedulingErrorCode.OFFER_PAST, ())
    with session.begin_nested():
        time_changes.reschedule_callback(
            session, callback, offer.starts_at, policy, now, audit_log.CUSTOMER, answered=True
        )
    close_offers(session, offer.customer_id, now)
    return callback
