"""Callbacks as rows, still encrypted: found for an agent or a customer, and locked."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from people import row_mac
from people.customers import access_budgets
from people.errors import NotFound
from scheduling.error_codes import SchedulingErrorCode
from scheduling.models import Callback
from scheduling.states import LIVE_STATES, CallbackState

#: How long after its end an agent can still open a callback and act on it.
ACCESS_PERIOD = timedelta(days=30)


def get_held_callback(
    session: Session, callback_id: UUID, agent_id: UUID, *, lock: bool = False
) -> Callback:
    """Return a callback that this agent holds, still encrypted.

    Raise ``NotFound`` for any other, whether or not it exists. ``lock`` locks the row until the
    transaction ends.
    """
    statement = select(Callback).where(
        col(Callback.id) == callback_id, col(Callback.agent_id) == agent_id
    )
    if lock:
        access_budgets.lock_staff_budget(session, agent_id)
        statement = statement.with_for_update().execution_options(populate_existing=True)
    callback = session.exec(statement).first()
    if callback is None or not row_mac.is_row_intact(session, callback):
        raise NotFound(SchedulingErrorCode.CALLBACK_NOT_FOUND)
    return callback


def get_recent_callback(
    session: Session, callback_id: UUID, agent_id: UUID, now: datetime, *, lock: bool = False
) -> Callback:
    """Return a callback for an agent to act on; also raise ``NotFound`` thirty days after its end.

    The limit applies in every state: otherwise booking it again would keep its customer accessible
    forever.
    """
    callback = get_held_callback(session, callback_id, agent_id, lock=lock)
    if is_access_over(callback, now):
        raise NotFound(SchedulingErrorCode.CALLBACK_NOT_FOUND)
    return callback


def lock_callback(session: Session, callback_id: UUID) -> Callback | None:
    """Lock a callback until the transaction ends, and return its refreshed row."""
    return session.exec(
        select(Callback)
        .where(col(Callback.id) == callback_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()


def is_access_over(callback: Callback, now: datetime) -> bool:
    """Return whether access has expired, also for a stale booked or started state."""
    return _callback_end(callback) <= now - ACCESS_PERIOD


def _callback_end(callback: Callback) -> datetime:
    return callback.ended_at or callback.ends_at


def has_recent_callback(session: Session, agent_id: UUID, customer_id: UUID, now: datetime) -> bool:
    """Return whether the agent has a current or recent callback with this customer.

    If so, the agent may book another (rule I1).
    """
    rows = session.exec(
        select(Callback).where(
            col(Callback.customer_id) == customer_id, col(Callback.agent_id) == agent_id
        )
    )
    return any(not is_access_over(row, now) for row in rows)


def lock_upcoming_callbacks(session: Session, customer_id: UUID, now: datetime) -> list[Callback]:
    """Lock and return a customer's callbacks that are upcoming or in progress, soonest first."""
    statement = (
        select(Callback)
        .where(
            col(Callback.customer_id) == customer_id,
            col(Callback.state).in_((CallbackState.BOOKED, *LIVE_STATES)),
            col(Callback.ends_at) > now,
        )
        .order_by(col(Callback.starts_at))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(session.exec(statement))


def lock_next_booked(session: Session, customer_id: UUID, now: datetime) -> Callback | None:
    """Lock the customer's upcoming callbacks, and return the next one that is still booked."""
    upcoming = lock_upcoming_callbacks(session, customer_id, now)
    return next((callback for callback in upcoming if callback.state == CallbackState.BOOKED), None)
