"""Books, reschedules, cancels and refuses callbacks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from messaging import outbox
from people.models import Customer
from people.text_input import AllowedContent, clean_text_input
from scheduling.availability import reservations, slot_search
from scheduling.availability.agent_availability import AgentAvailability, Callee
from scheduling.booking import call_window
from scheduling.booking.number_change_hold import require_no_number_change_hold
from scheduling.calendars import promised_local_time
from scheduling.error_codes import SchedulingErrorCode
from scheduling.errors import SlotTaken, WrongState
from scheduling.models import Callback, FormerTime
from scheduling.notifications import callback_notifier
from scheduling.policy import Policy
from scheduling.states import CallbackState, require_state, require_transition
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
    slot_search.require_call_length(wish.minutes)
    slot_search.require_bookable_time(wish.starts_at, now, policy)
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


def reschedule_callback(
    session: Session,
    callback: Callback,
    starts_at: datetime,
    policy: Policy,
    now: datetime,
    by: audit_log.Actor | None = None,
    *,
    answered: bool = False,
) -> Callback:
    """Move a booked callback to another time and notify its customer, unless ``answered`` is set.

    The caller must have locked ``callback``. Raise the errors of :func:`book_callback`, and
    ``WrongState``.
    """
    require_state(CallbackState(callback.state), CallbackState.BOOKED)
    slot_search.require_bookable_time(starts_at, now, policy)
    _change_time(
        session, callback, starts_at, policy, now, by or audit_log.staff_actor(callback.agent_id)
    )
    callback_notifier.notify_moved(session, callback, policy, now, answered=answered)
    return callback


def rebook_callback(
    session: Session,
    callback: Callback,
    starts_at: datetime,
    policy: Policy,
    now: datetime,
    by: audit_log.Actor | None = None,
) -> Callback:
    """Book a missed or cancelled callback again with the same topic.

    The id stays, so that references to the old booking lead to the new one. Raise the errors of
    :func:`reschedule_callback`.
    """
    require_transition(CallbackState(callback.state), CallbackState.BOOKED)
    slot_search.require_bookable_time(starts_at, now, policy)
    callback.state, callback.ended_at = CallbackState.BOOKED, None
    _change_time(
        session, callback, starts_at, policy, now, by or audit_log.staff_actor(callback.agent_id)
    )
    callback_notifier.notify_booked(session, callback, policy, now)
    return callback


def _change_time(
    session: Session,
    callback: Callback,
    starts_at: datetime,
    policy: Policy,
    now: datetime,
    by: audit_log.Actor,
) -> None:
    customer = session.get_one(Customer, callback.customer_id)
    if customer.erased_at is not None:
        raise WrongState(SchedulingErrorCode.CUSTOMER_DATA_GONE)
    callee, agent = Callee(customer.timezone, customer.id), callback.agent_id
    reservations.lock_participants(session, customer.id, agent)
    require_no_number_change_hold(session, customer, now)
    availability = slot_search.require_free_slot(
        session, agent, callee, starts_at, callback.minutes, policy, now, callback.id
    )
    reservations.release_slots(session, callback.id)
    outbox.withdraw_for_callback(session, callback.id, now)
    session.add(
        FormerTime(
            callback_id=callback.id,
            starts_at=callback.starts_at,
            moved_at=now,
            moved_by=by.kind,
        )
    )
    callback.starts_at, callback.move_asked_at, callback.earlier_wanted_at = starts_at, None, None
    callback.moves += 1
    reserve_time(session, callback, customer, availability, policy, now)
    record_callback_act(session, callback, by, AuditAct.CALLBACK_MOVE, now)


def cancel_booked_callback(
    session: Session,
    callback: Callback,
    policy: Policy,
    now: datetime,
    by: audit_log.Actor | None = None,
) -> None:
    """Cancel a booked callback and notify its customer. Raise ``WrongState``."""
    _end_before_start(session, callback, CallbackState.CANCELLED, now)
    record_callback_act(
        session,
        callback,
        by or audit_log.staff_actor(callback.agent_id),
        AuditAct.CALLBACK_CANCEL,
        now,
    )
    callback_notifier.notify_cancelled(session, callback, policy, now)


def cancel_for_customer(
    session: Session, customer_id: UUID, until: datetime, why: str, now: datetime
) -> int:
    """Cancel a customer's callbacks that start before ``until``; return their number.

    The caller notifies the customer. A callback that another transaction has locked is skipped: its
    new time is checked again later.
    """
    coming = session.exec(
        select(Callback)
        .where(
            col(Callback.customer_id) == customer_id,
            col(Callback.state) == CallbackState.BOOKED,
            col(Callback.starts_at) < until,
        )
        .order_by(col(Callback.id))
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    for callback in coming:
        _end_before_start(session, callback, CallbackState.CANCELLED, now)
        record_callback_act(session, callback, audit_log.SYSTEM, AuditAct.CALLBACK_CANCEL, now, why)
    return len(coming)


def refuse_callback(session: Session, callback: Callback, now: datetime) -> None:
    """Mark a callback as refused by its customer. Raise ``WrongState`` once it has started."""
    _end_before_start(session, callback, CallbackState.REFUSED, now)
    record_callback_act(session, callback, audit_log.CUSTOMER, AuditAct.CALLBACK_REFUSE, now)


def request_move(session: Session, callback: Callback, now: datetime) -> None:
    """Record that the customer wants another time, for the agent to see."""
    require_state(CallbackState(callback.state), CallbackState.BOOKED)
    callback.move_asked_at = now
    session.add(callback)
    session.flush()
    record_callback_act(session, callback, audit_log.CUSTOMER, AuditAct.CALLBACK_ASK_TO_MOVE, now)


def mark_overdue_missed(session: Session, policy: Policy, now: datetime) -> None:
    """Mark callbacks as missed whose window passed without a start (a job of the worker)."""
    overdue = session.exec(
        select(Callback)
        .where(col(Callback.state) == CallbackState.BOOKED, col(Callback.ends_at) <= now)
        .order_by(col(Callback.ends_at))
        .limit(200)
        .with_for_update(skip_locked=True)
    ).all()
    for callback in overdue:
        _end_before_start(session, callback, CallbackState.MISSED, now)
        record_callback_act(session, callback, audit_log.SYSTEM, AuditAct.CALLBACK_MISS, now)
        callback_notifier.notify_missed(session, callback, policy, now)


def _end_before_start(
    session: Session, callback: Callback, state: CallbackState, now: datetime
) -> None:
    require_transition(CallbackState(callback.state), state)
    callback.state, callback.ended_at, callback.earlier_wanted_at = state, now, None
    session.add(callback)
    session.flush()
    reservations.release_slots(session, callback.id)
    outbox.withdraw_for_callback(session, callback.id, now)


def record_callback_act(
    session: Session,
    callback: Callback,
    actor: audit_log.Actor,
    action: AuditAct,
    now: datetime,
    detail: str = "",
) -> None:
    """Record an act on a callback in the audit log."""
    audit_log.record_act(
        session,
        actor,
        action,
        now,
        customer_id=callback.customer_id,
        callback_id=callback.id,
        detail=detail,
    )
