"""Moves a booked callback to another time, and books a missed or cancelled one again."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from messaging import outbox
from people.models import Customer
from scheduling.availability import reservations, slot_problems, slot_search
from scheduling.availability.agent_availability import Callee
from scheduling.booking.bookings import reserve_time
from scheduling.booking.callback_audit import record_callback_act
from scheduling.booking.number_change_hold import require_no_number_change_hold
from scheduling.error_codes import SchedulingErrorCode
from scheduling.errors import WrongState
from scheduling.models import Callback, FormerTime
from scheduling.notifications import callback_notifier
from scheduling.policy import Policy
from scheduling.states import CallbackState, require_state, require_transition
from vault.audit import audit_log
from vault.audit.acts import AuditAct


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

    The caller must have locked ``callback``. Raise as :func:`bookings.book_callback`, and
    ``WrongState``.
    """
    require_state(CallbackState(callback.state), CallbackState.BOOKED)
    slot_problems.require_bookable_time(starts_at, now, policy)
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
    slot_problems.require_bookable_time(starts_at, now, policy)
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


def request_move(session: Session, callback: Callback, now: datetime) -> None:
    """Record that the customer wants another time, for the agent to see."""
    require_state(CallbackState(callback.state), CallbackState.BOOKED)
    callback.move_asked_at = now
    session.add(callback)
    session.flush()
    record_callback_act(session, callback, audit_log.CUSTOMER, AuditAct.CALLBACK_ASK_TO_MOVE, now)
