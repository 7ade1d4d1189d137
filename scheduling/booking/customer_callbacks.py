"""A customer's own callbacks, decrypted for that customer. Each access is logged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from people import row_mac
from people.errors import NotFound
from scheduling import callback_fields, callback_rows
from scheduling.booking import callback_audit
from scheduling.error_codes import SchedulingErrorCode
from scheduling.models import Callback, FollowUp, FormerTime
from scheduling.notifications import callback_notifier
from scheduling.states import CallbackState, require_state
from vault.audit import audit_log
from vault.audit.acts import AuditAct

MAX_BOOKED = 3
_MAX_LISTED = 50


@dataclass(frozen=True)
class CustomerCallback:
    """A callback as its customer sees it.

    ``agent`` is a first name, ``former`` are the times before each move, ``next_id`` is the
    callback that follows this one.
    """

    id: UUID
    state: CallbackState
    starts_at: datetime
    minutes: int
    ends_at: datetime
    agent: str
    topic: str
    moves: int
    wants_earlier: bool
    started_at: datetime | None
    confirmed_at: datetime | None
    confirmed_by: str | None
    outcome: str | None
    former: tuple[datetime, ...]
    next_id: UUID | None


def list_booked_calls(session: Session, customer_id: UUID, now: datetime) -> list[CustomerCallback]:
    """Return callbacks that are booked or in progress, soonest first."""
    upcoming = callback_rows.lock_upcoming_callbacks(session, customer_id, now)
    return _read_own_callbacks(session, customer_id, upcoming, now)


def list_past_calls(session: Session, customer_id: UUID, now: datetime) -> list[CustomerCallback]:
    """Return the latest fifty calls that were made, or announced and not made, newest first."""
    over = (
        CallbackState.ENDED,
        CallbackState.MISSED,
        CallbackState.REFUSED,
        CallbackState.CANCELLED,
    )
    statement = (
        select(Callback)
        .where(col(Callback.customer_id) == customer_id, col(Callback.state).in_(over))
        .order_by(col(Callback.starts_at).desc(), col(Callback.id))
        .limit(_MAX_LISTED)
    )
    return _read_own_callbacks(session, customer_id, session.exec(statement).all(), now)


def get_own_callback(
    session: Session, customer_id: UUID, callback_id: UUID, *, lock: bool = False
) -> Callback:
    """Return a callback of this customer.

    Raise ``NotFound`` for any other, whether or not it exists.
    """
    statement = select(Callback).where(
        col(Callback.id) == callback_id, col(Callback.customer_id) == customer_id
    )
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    callback = session.exec(statement).first()
    if callback is None or not row_mac.is_row_intact(session, callback):
        raise NotFound(SchedulingErrorCode.OWN_CALL_NOT_FOUND)
    return callback


def read_own_callback(session: Session, callback: Callback, now: datetime) -> CustomerCallback:
    """Return one callback, decrypted."""
    return _read_own_callbacks(session, callback.customer_id, [callback], now)[0]


def _read_own_callbacks(
    session: Session, customer_id: UUID, rows: Sequence[Callback], now: datetime
) -> list[CustomerCallback]:
    """Decrypt callbacks whose MAC is valid; tampered rows could show acts that never happened."""
    whole = [row for row in rows if row_mac.is_row_intact(session, row)]
    audit_log.record_act_per_customer(
        session,
        audit_log.CUSTOMER,
        AuditAct.CUSTOMER_READ,
        now,
        about=[(customer_id, row.id) for row in whole],
        purpose="own page",
    )
    return [_to_customer_callback(session, row) for row in whole]


def _to_customer_callback(session: Session, row: Callback) -> CustomerCallback:
    former = session.exec(
        select(FormerTime.starts_at)
        .where(col(FormerTime.callback_id) == row.id)
        .order_by(col(FormerTime.id))
    ).all()
    following = session.exec(
        select(FollowUp.callback_id).where(col(FollowUp.earlier_id) == row.id)
    ).first()
    return CustomerCallback(
        id=row.id,
        state=CallbackState(row.state),
        starts_at=row.starts_at,
        minutes=row.minutes,
        ends_at=row.ends_at,
        agent=callback_notifier.agent_first_name(session, row.agent_id),
        topic=callback_fields.callback_topic(session, row),
        moves=row.moves,
        wants_earlier=row.earlier_wanted_at is not None,
        started_at=row.started_at,
        confirmed_at=row.confirmed_at,
        confirmed_by=row.confirmed_by,
        outcome=row.outcome,
        former=tuple(former),
        next_id=following,
    )


def set_wants_earlier(session: Session, callback: Callback, wanted: bool, now: datetime) -> None:
    """Set whether the customer wants offers of earlier times. Raise ``WrongState``."""
    require_state(CallbackState(callback.state), CallbackState.BOOKED)
    callback.earlier_wanted_at = now if wanted else None
    session.add(callback)
    session.flush()
    detail = "" if wanted else "no more"
    callback_audit.record_callback_act(
        session, callback, audit_log.CUSTOMER, AuditAct.CALLBACK_EARLIER, now, detail
    )
