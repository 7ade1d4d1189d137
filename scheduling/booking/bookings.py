"""Books callbacks: validates the request, reserves the time and notifies the customer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from people.models import Customer
from people.text_input import AllowedContent, clean_text_input
from scheduling.availability import reservations, slot_problems, slot_search
from scheduling.availability.agent_availability import AgentAvailability, Callee
from scheduling.booking import call_window
from scheduling.booking.callback_audit import record_callback_act
from scheduling.booking.number_change_hold import require_no_number_change_hold
from scheduling.calendars import promised_local_time
from scheduling.error_codes import SchedulingErrorCode
from scheduling.errors import SlotTaken
from scheduling.models import Callback
from scheduling.notifications import callback_notifier
from scheduling.policy import Policy
from scheduling.states import CallbackState
from storage.column_types import new_id
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import field_encryption, keyring

TOPIC_LIMIT, TICKET_LIMIT = 40, 40


@dataclass(frozen=True)
class BookingRequest:
    """A callback to be booked: ``starts_at`` is an instant, ``minutes`` its length."""

    starts_at: datetime
    minutes: int
    topic: str
    ticket: str = ""


def book_callback(
    session: Session,
    customer: Customer,
    agent_id: UUID,
    wish: BookingRequest,
    policy: Policy,
    now: datetime,
    by: audit_log.Actor | None = None,
) -> Callback:
    """Book a callback and queue the text that announces it; ``by`` defaults to its agent.

    Raise ``InvalidInput``, ``SlotTaken`` with the nearest free slots, or ``WrongState`` while a
    number change is on hold.
    """
    callback = create_callback(session, customer, agent_id, wish, policy, now)
    record_callback_act(
        session, callback, by or audit_log.staff_actor(agent_id), AuditAct.CALLBACK_BOOK, now
    )
    callback_notifier.notify_booked(session, callback, policy, now)
    return callback


def clean_topic(typed: str) -> str:
    """Return a validated topic, as texts show it. Raise ``InvalidInput``."""
    return clean_text_input("topic", typed, limit=TOPIC_LIMIT, allowed=AllowedContent.WORDS)


def clean_ticket(typed: str) -> str:
    """Return a validated ticket reference, or an empty string. Raise ``InvalidInput``."""
    numbers = AllowedContent.NUMBERS
    return clean_text_input("ticket", typed, limit=TICKET_LIMIT, required=False, allowed=numbers)


def create_callback(
    session: Session,
    customer: Customer,
    agent_id: UUID,
    wish: BookingRequest,
    policy: Policy,
    now: datetime,
) -> Callback:
    """Create a callback and reserve its time without notifying the customer.

    Raise the errors of :func:`book_callback`.
    """
    topic = clean_topic(wish.topic)
    ticket = clean_ticket(wish.ticket)
    slot_problems.require_call_length(wish.minutes)
    slot_problems.require_bookable_time(wish.starts_at, now, policy)
    reservations.lock_participants(session, customer.id, agent_id)
    require_no_number_change_hold(session, customer, now)
    callee = Callee(customer.timezone, customer.id)
    availability = slot_search.require_free_slot(
        session, agent_id, callee, wish.starts_at, wish.minutes, policy, now
    )
    row = new_id()
    key = field_encryption.load_data_key(session, customer.id)
    callback = Callback(
        id=row,
        customer_id=customer.id,
        agent_id=agent_id,
        starts_at=wish.starts_at,
        minutes=wish.minutes,
        ends_at=call_window.call_window_end(wish.starts_at, wish.minutes),
        state=CallbackState.BOOKED,
        topic=key.seal_field("callback", "topic", row, topic),
        ticket=key.seal_field("callback", "ticket", row, ticket) if ticket else None,
        ticket_index=keyring.current_keyring(session).compute_blind_index("ticket", ticket)
        if ticket
        else None,
        booked_at=now,
    )
    reserve_time(session, callback, customer, availability, policy, now)
    return callback


def reserve_time(
    session: Session,
    callback: Callback,
    customer: Customer,
    found: AgentAvailability,
    policy: Policy,
    now: datetime,
) -> None:
    """Reserve the callback's time, which was found free just before. Raise ``SlotTaken``."""
    callback.buffer_before, callback.buffer_after = found.rules.before, found.rules.after
    callback.ends_at = call_window.call_window_end(callback.starts_at, callback.minutes)
    promised_local_time.record_local_time(callback, customer.timezone)
    session.add(callback)
    session.flush()
    try:
        reservations.reserve_slots(session, callback)
    except reservations.ReservationConflict:
        callee = Callee(customer.timezone, customer.id)
        at, minutes = callback.starts_at, callback.minutes
        near = slot_search.find_nearest_slots(
            session, callback.agent_id, callee, at, minutes, policy, now, callback.id
        )
        raise SlotTaken(SchedulingErrorCode.SLOT_ALREADY_TAKEN, near) from None
