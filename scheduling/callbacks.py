"""Callbacks as their agent sees them; each access is logged before data is returned (rule I1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from people import row_mac
from people.customers import access_budgets, customer_records
from people.customers.customer_records import CustomerDetails
from people.errors import NotFound
from people.models import Customer
from scheduling.callback_fields import decrypt_topic_and_ticket
from scheduling.callback_rows import is_access_over
from scheduling.error_codes import SchedulingErrorCode
from scheduling.models import Callback
from scheduling.states import LIVE_STATES, CallbackState
from vault.audit import audit_log
from vault.audit.acts import AuditAct

#: How long before its time an agent may prepare a call, regardless of access budgets.
PREPARATION_TIME = timedelta(minutes=30)
#: Calls within this time before or after now count as today's, in any zone.
TODAY = timedelta(hours=12)


@dataclass(frozen=True)
class CallbackSummary:
    """A callback in a list, with its time and state.

    Customer data is decrypted only ``at_hand``: for a call in progress or due within half an hour.
    """

    id: UUID
    state: CallbackState
    starts_at: datetime
    minutes: int
    ends_at: datetime
    confirmed_at: datetime | None
    outcome: str | None
    move_asked_at: datetime | None
    at_hand: CallbackDetails | None


@dataclass(frozen=True)
class CallbackDetails:
    """A decrypted callback with its customer, for the agent who holds it."""

    id: UUID
    state: CallbackState
    starts_at: datetime
    minutes: int
    ends_at: datetime
    topic: str
    ticket: str
    customer: CustomerDetails
    started_at: datetime | None
    confirmed_at: datetime | None
    confirmed_by: str | None
    ended_at: datetime | None
    outcome: str | None
    move_asked_at: datetime | None
    earlier_wanted_at: datetime | None
    moves: int
    number_waits_until: datetime | None


def read_callback(
    session: Session, callback: Callback, now: datetime, purpose: str
) -> CallbackDetails:
    """Return the decrypted callback after logging that its agent read it.

    Raise ``NotFound`` thirty days after its end, and ``BudgetSpent``.
    """
    if not row_mac.is_row_intact(session, callback) or is_access_over(callback, now):
        raise NotFound(SchedulingErrorCode.CALLBACK_NOT_FOUND)
    access_budgets.count_customer_access(
        session, callback.agent_id, callback.customer_id, now, _budget_exemption(callback, now)
    )
    audit_log.record_act(
        session,
        audit_log.staff_actor(callback.agent_id),
        AuditAct.CUSTOMER_READ,
        now,
        customer_id=callback.customer_id,
        callback_id=callback.id,
        purpose=purpose,
    )
    return _decrypt_callback(session, callback, session.get_one(Customer, callback.customer_id))


def _is_at_hand(callback: Callback, now: datetime) -> bool:
    if callback.state in LIVE_STATES:
        return True
    return callback.state == CallbackState.BOOKED and (
        callback.starts_at - PREPARATION_TIME <= now < callback.ends_at
    )


def _budget_exemption(callback: Callback, now: datetime) -> access_budgets.BudgetExemption:
    """Exempt the call at hand from all access budgets, and today's calls from the hourly one."""
    if _is_at_hand(callback, now):
        return access_budgets.BudgetExemption.ALL
    return (
        access_budgets.BudgetExemption.HOUR
        if abs(callback.starts_at - now) <= TODAY
        else access_budgets.BudgetExemption.NOTHING
    )


def list_day_callbacks(
    session: Session, agent_id: UUID, since: datetime, until: datetime, now: datetime
) -> list[CallbackSummary]:
    """Return an agent's callbacks that start between two instants, earliest first.

    Decrypt only what is at hand: the list is viewed all day, and logging every customer at each
    view would hide the accesses that matter.
    """
    statement = (
        select(Callback, Customer)
        .where(
            col(Callback.agent_id) == agent_id,
            col(Callback.starts_at) >= since,
            col(Callback.starts_at) < until,
            col(Callback.customer_id) == col(Customer.id),
        )
        .order_by(col(Callback.starts_at), col(Callback.id))
        .limit(500)
    )
    rows = session.exec(statement).all()
    at_hand = [row for row in rows if _is_at_hand(row[0], now)]
    for callback, customer in at_hand:
        access_budgets.count_customer_access(
            session, agent_id, customer.id, now, _budget_exemption(callback, now)
        )
    audit_log.record_act_per_customer(
        session,
        audit_log.staff_actor(agent_id),
        AuditAct.CUSTOMER_READ,
        now,
        about=[(customer.id, callback.id) for callback, customer in at_hand],
        purpose="own day",
    )
    opened = {callback.id: _decrypt_callback(session, callback, who) for callback, who in at_hand}
    return [_callback_summary(callback, opened.get(callback.id)) for callback, _ in rows]


def _callback_summary(callback: Callback, at_hand: CallbackDetails | None) -> CallbackSummary:
    return CallbackSummary(
        id=callback.id,
        state=CallbackState(callback.state),
        starts_at=callback.starts_at,
        minutes=callback.minutes,
        ends_at=callback.ends_at,
        confirmed_at=callback.confirmed_at,
        outcome=callback.outcome,
        move_asked_at=callback.move_asked_at,
        at_hand=at_hand,
    )


def _decrypt_callback(session: Session, callback: Callback, customer: Customer) -> CallbackDetails:
    topic, ticket = decrypt_topic_and_ticket(session, callback)
    return CallbackDetails(
        id=callback.id,
        state=CallbackState(callback.state),
        starts_at=callback.starts_at,
        minutes=callback.minutes,
        ends_at=callback.ends_at,
        topic=topic,
        ticket=ticket,
        customer=customer_records.open_customer_details(session, customer),
        started_at=callback.started_at,
        confirmed_at=callback.confirmed_at,
        confirmed_by=callback.confirmed_by,
        ended_at=callback.ended_at,
        outcome=callback.outcome,
        move_asked_at=callback.move_asked_at,
        earlier_wanted_at=callback.earlier_wanted_at,
        moves=callback.moves,
        number_waits_until=customer.number_waits_until,
    )
