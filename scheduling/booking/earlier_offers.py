"""Offers earlier times by text to customers who asked for one."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from people.models import Customer
from scheduling import callback_rows
from scheduling.availability import slot_search
from scheduling.availability.agent_availability import Callee
from scheduling.booking import slot_offers
from scheduling.models import Callback, SlotOffer
from scheduling.notifications import callback_notifier
from scheduling.policy import Policy
from scheduling.states import CallbackState

BATCH_SIZE = 50
RUN_EVERY = timedelta(minutes=1)
#: The customer needs time to answer, and a gain of a few minutes is not worth a text.
_MIN_NOTICE = timedelta(hours=2)
_MIN_GAIN = timedelta(hours=1)


class EarlierOffersJob:
    """A job of the worker that offers earlier times.

    It searches for free slots instead of reacting to released ones, so that nothing is lost when a
    worker dies. Offers reserve nothing: the first customer to accept gets the slot.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._rests_until: datetime | None = None

    def __call__(self, session: Session, now: datetime) -> None:
        """Make offers to the customers who wait longest, once a minute."""
        if self._rests_until is not None and now < self._rests_until:
            return
        self._rests_until = now + RUN_EVERY
        waiting = session.exec(
            select(Callback.id)
            .where(
                col(Callback.earlier_wanted_at).is_not(None),
                col(Callback.starts_at) > now + _MIN_NOTICE + _MIN_GAIN,
            )
            .order_by(col(Callback.earlier_wanted_at))
            .limit(BATCH_SIZE)
        ).all()
        for callback_id in waiting:
            offer_earlier_slot(session, callback_id, self._policy, now)

    @property
    def __name__(self) -> str:
        return "earlier_times"


def offer_earlier_slot(session: Session, callback_id: UUID, policy: Policy, now: datetime) -> bool:
    """Offer the first earlier free slot that was not offered before; return whether there was one.

    Offer nothing while the customer has other open offers. The callback then moves to the end of
    the queue.
    """
    callback = callback_rows.lock_callback(session, callback_id)
    if callback is None or callback.state != CallbackState.BOOKED:
        return False
    callback.earlier_wanted_at = now
    session.add(callback)
    session.flush()
    if slot_offers.list_open_offers(session, callback.customer_id, now):
        return False
    times = _find_earlier_slots(session, callback, policy, now)
    if not times:
        return False
    slot_offers.replace_offers(session, callback, callback.agent_id, times[:1], now)
    callback_notifier.notify_earlier_slot(session, callback, times[0], policy, now)
    return True


def _find_earlier_slots(
    session: Session, callback: Callback, policy: Policy, now: datetime
) -> list[datetime]:
    """Return earlier free slots of the same agent that were not offered before."""
    customer = session.get_one(Customer, callback.customer_id)
    callee = Callee(customer.timezone, customer.id)
    span = (now + _MIN_NOTICE, callback.starts_at - _MIN_GAIN)
    agent, minutes = callback.agent_id, callback.minutes
    free_slots = slot_search.find_free_slots(
        session, agent, callee, span, minutes, policy, now, 50, callback.id
    )
    before = select(SlotOffer.starts_at).where(col(SlotOffer.callback_id) == callback.id)
    offered = set(session.exec(before))
    return [slot for slot in free_slots if slot not in offered]
