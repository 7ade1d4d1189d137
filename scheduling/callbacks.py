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
from scheduling.error_codes import SchedulingErrorCode
from scheduling.models import Callback
from scheduling.states import LIVE_STATES, CallbackState
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import field_encryption, keyring
from vault.keys.blind_index_check import matches_sealed_value

#: How long before its time an agent may prepare a call, regardless of access budgets.
PREPARATION_TIME = timedelta(minutes=30)
#: Calls within this time before or after now count as today's, in any zone.
TODAY = timedelta(hours=12)
#: How long after its end an agent can still open a callback and act on it.
ACCESS_PERIOD = timedelta(days=30)


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
    if _is_access_over(callback, now):
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


def read_callback(
    session: Session, callback: Callback, now: datetime, purpose: str
) -> CallbackDetails:
    """Return the decrypted callback after logging that its agent read it.

    Raise ``NotFound`` thirty days after its end, and ``BudgetSpent``.
    """
    if not row_mac.is_row_intact(session, callback) or _is_access_over(callback, now):
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


def _is_access_over(callback: Callback, now: datetime) -> bool:
    """Return whether access has expired, also for a stale booked or started state."""
    return _callback_end(callback) <= now - ACCESS_PERIOD


def _callback_end(callback: Callback) -> datetime:
    return callback.ended_at or callback.ends_at


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


def callback_topic(session: Session, callback: Callback) -> str:
    """Return the topic of the call, for messages to its customer."""
    return decrypt_topic_and_ticket(session, callback)[0]


def decrypt_topic_and_ticket(session: Session, callback: Callback) -> tuple[str, str]:
    """Return topic and ticket; both are empty once the customer has been erased."""
    if not callback.topic:
        return "", ""
    key = field_encryption.load_data_key(session, callback.customer_id)
    topic = key.open_field("callback", "topic", callback.id, callback.topic)
    ticket = callback.ticket
    return topic, key.open_field("callback", "ticket", callback.id, ticket) if ticket else ""


def find_customer_by_ticket(session: Session, ticket: str) -> UUID | None:
    """Return the customer of the latest callback with exactly this ticket reference."""
    forms = keyring.current_keyring(session).compute_search_forms("ticket", ticket)
    row = session.exec(
        select(Callback)
        .where(col(Callback.ticket_index).in_(forms))
        .order_by(col(Callback.id).desc())
        .limit(1)
    ).first()
    if row is None or not row_mac.is_row_intact(session, row):
        return None
    own = matches_sealed_value(
        "callback", row.id, lambda: decrypt_topic_and_ticket(session, row)[1], ticket
    )
    return row.customer_id if own else None


def has_recent_callback(session: Session, agent_id: UUID, customer_id: UUID, now: datetime) -> bool:
    """Return whether the agent has a current or recent callback with this customer.

    If so, the agent may book another (rule I1).
    """
    rows = session.exec(
        select(Callback).where(
            col(Callback.customer_id) == customer_id, col(Callback.agent_id) == agent_id
        )
    )
    return any(not _is_access_over(row, now) for row in rows)


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
