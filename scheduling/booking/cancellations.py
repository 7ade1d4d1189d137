"""Ends callbacks before their call: cancelled, refused by the customer, or missed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from messaging import outbox
from scheduling.availability import reservations
from scheduling.booking.callback_audit import record_callback_act
from scheduling.models import Callback
from scheduling.notifications import callback_notifier
from scheduling.policy import Policy
from scheduling.states import CallbackState, require_transition
from vault.audit import audit_log
from vault.audit.acts import AuditAct


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
