"""Books the next call automatically, on a retry plan, when a call was not answered."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from config.contact_details import has_link
from people.customers import customer_number
from people.models import Customer
from scheduling import callback_fields
from scheduling.availability import slot_search
from scheduling.availability.agent_availability import Callee
from scheduling.booking import bookings, callback_audit
from scheduling.booking.bookings import BookingRequest
from scheduling.errors import SlotTaken
from scheduling.models import Callback, FollowUp
from scheduling.notifications import callback_notifier
from scheduling.policy import Policy
from scheduling.states import CallbackState, CallOutcome
from vault.audit import audit_log
from vault.audit.acts import AuditAct

UNREACHED = frozenset({CallOutcome.NO_ANSWER, CallOutcome.VOICEMAIL})
_SEARCH_PERIOD = timedelta(days=7)


def book_retry(
    session: Session, callback: Callback, policy: Policy, now: datetime
) -> Callback | None:
    """Book the retry of an ended call that was not answered, at its agent's first free slot.

    Return ``None`` if the plan is exhausted, another call is booked, the customer's number is on
    hold after a change, or the agent has no free slot within a week. The caller must have locked
    ``callback``.
    """
    if callback.outcome not in UNREACHED or has_upcoming_booking(session, callback):
        return None
    if customer_number.is_number_on_hold(session.get_one(Customer, callback.customer_id), now):
        return None
    attempt = _retry_attempt(session, callback) + 1
    if attempt > len(policy.retries):
        return None
    return _book_retry_slot(session, callback, attempt, policy, now)


def has_upcoming_booking(session: Session, callback: Callback) -> bool:
    """Return whether the customer has another booked call."""
    booked_id = session.exec(
        select(Callback.id)
        .where(
            col(Callback.customer_id) == callback.customer_id,
            col(Callback.state) == CallbackState.BOOKED,
        )
        .limit(1)
    ).first()
    return booked_id is not None


def _retry_attempt(session: Session, callback: Callback) -> int:
    """Return how many retries preceded this call."""
    follow_up = session.get(FollowUp, callback.id)
    return follow_up.attempt if follow_up else 0


def _book_retry_slot(
    session: Session, callback: Callback, attempt: int, policy: Policy, now: datetime
) -> Callback | None:
    customer = session.get_one(Customer, callback.customer_id)
    callee = Callee(customer.timezone, customer.id)
    since = now + policy.retries[attempt - 1]
    free_slots = slot_search.find_free_slots(
        session,
        callback.agent_id,
        callee,
        (since, since + _SEARCH_PERIOD),
        callback.minutes,
        policy,
        now,
        limit=1,
    )
    if not free_slots:
        return None
    topic, ticket = callback_fields.decrypt_topic_and_ticket(session, callback)
    topic = policy.message_context_for(customer.locale).safe_topic(
        topic
    )  # it may have been stored before the current rule
    wish = BookingRequest(
        free_slots[0], callback.minutes, topic, "" if has_link(ticket) else ticket
    )
    try:
        with session.begin_nested():
            retry = bookings.create_callback(
                session, customer, callback.agent_id, wish, policy, now
            )
    except SlotTaken:
        return None
    session.add(FollowUp(callback_id=retry.id, earlier_id=callback.id, attempt=attempt))
    session.flush()
    callback_audit.record_callback_act(
        session, retry, audit_log.SYSTEM, AuditAct.CALLBACK_FOLLOW, now, str(callback.id)
    )
    callback_notifier.notify_retry(session, retry, policy, now)
    return retry
