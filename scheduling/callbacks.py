"""Callbacks as their agent sees them; each look at one is written down first (rule I1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from people import password_seal
from people.customers import access_budgets, customer_records
from people.customers.customer_records import Person
from people.errors import NotFound
from people.models import Customer
from scheduling.models import Callback
from scheduling.states import LIVE, State
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import field_encryption, keyring
from vault.keys.blind_index_check import is_own

#: How long before its time an agent may prepare a call, whatever else they have opened.
PREPARES = timedelta(minutes=30)
#: Calls of so long before and after this moment are today's, on any clock.
TODAY = timedelta(hours=12)
#: How long after its end its agent can still open a callback, and do anything with it.
STAYS_OPEN = timedelta(days=30)


NOT_YOURS = "There is no such callback of yours."


@dataclass(frozen=True)
class Row:
    """A callback in a list: when and how it stands. Only the one ``at_hand`` is opened with its
    customer: going on, or to be made within half an hour."""

    id: UUID
    state: State
    starts_at: datetime
    minutes: int
    ends_at: datetime
    confirmed_at: datetime | None
    outcome: str | None
    move_asked_at: datetime | None
    at_hand: Appointment | None


@dataclass(frozen=True)
class Appointment:
    """A callback in plain, with its customer, for the agent who holds it."""

    id: UUID
    state: State
    starts_at: datetime
    minutes: int
    ends_at: datetime
    topic: str
    ticket: str
    customer: Person
    started_at: datetime | None
    confirmed_at: datetime | None
    confirmed_by: str | None
    ended_at: datetime | None
    outcome: str | None
    move_asked_at: datetime | None
    earlier_wanted_at: datetime | None
    moves: int
    number_waits_until: datetime | None


def held(session: Session, callback_id: UUID, agent_id: UUID, *, lock: bool = False) -> Callback:
    """A callback this agent holds, unopened. Raises ``NotFound`` for any other, whether or not
    it exists. ``lock`` keeps it from changing until the transaction ends."""
    statement = select(Callback).where(
        col(Callback.id) == callback_id, col(Callback.agent_id) == agent_id
    )
    if lock:
        access_budgets.take_turn(session, agent_id)
        statement = statement.with_for_update().execution_options(populate_existing=True)
    found = session.exec(statement).first()
    if found is None or not password_seal.holds(session, found):
        raise NotFound(NOT_YOURS)
    return found


def held_lately(
    session: Session, callback_id: UUID, agent_id: UUID, now: datetime, *, lock: bool = False
) -> Callback:
    """The same for whatever an agent does: raises ``NotFound`` too once it has been over for thirty
    days, whatever its state. Booking it again, say, would open its customer for ever."""
    found = held(session, callback_id, agent_id, lock=lock)
    if _is_long_over(found, now):
        raise NotFound(NOT_YOURS)
    return found


def locked(session: Session, callback_id: UUID) -> Callback | None:
    """A callback, kept from changing until the transaction ends and read anew."""
    return session.exec(
        select(Callback)
        .where(col(Callback.id) == callback_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()


def open_one(session: Session, callback: Callback, now: datetime, purpose: str) -> Appointment:
    """The callback in plain, after writing down that its agent read it. Raises ``NotFound`` once
    it has been over for thirty days, and ``BudgetSpent``."""
    if not password_seal.holds(session, callback) or _is_long_over(callback, now):
        raise NotFound(NOT_YOURS)
    access_budgets.open_customer(
        session, callback.agent_id, callback.customer_id, now, _spared(callback, now)
    )
    audit_log.record(
        session,
        audit_log.staff(callback.agent_id),
        AuditAct.CUSTOMER_READ,
        now,
        customer_id=callback.customer_id,
        callback_id=callback.id,
        purpose=purpose,
    )
    return _opened(session, callback, session.get_one(Customer, callback.customer_id))


def _is_long_over(callback: Callback, now: datetime) -> bool:
    """Also of one that is still called booked or started, since no worker was at work."""
    return _over(callback) <= now - STAYS_OPEN


def _over(callback: Callback) -> datetime:
    return callback.ended_at or callback.ends_at


def _is_at_hand(callback: Callback, now: datetime) -> bool:
    if callback.state in LIVE:
        return True
    return callback.state == State.BOOKED and (
        callback.starts_at - PREPARES <= now < callback.ends_at
    )


def _spared(callback: Callback, now: datetime) -> access_budgets.Spared:
    """Nothing stops an agent at the call at hand, and no busy hour at one of today."""
    if _is_at_hand(callback, now):
        return access_budgets.Spared.ALL
    return (
        access_budgets.Spared.HOUR
        if abs(callback.starts_at - now) <= TODAY
        else access_budgets.Spared.NOTHING
    )


def day(
    session: Session, agent_id: UUID, since: datetime, until: datetime, now: datetime
) -> list[Row]:
    """An agent's callbacks that start between two instants, earliest first. A list is looked at
    all day, so it opens only what is at hand: else each look would take every customer of it, and
    bury the readings that tell something."""
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
    found = session.exec(statement).all()
    at_hand = [each for each in found if _is_at_hand(each[0], now)]
    for callback, customer in at_hand:
        access_budgets.open_customer(session, agent_id, customer.id, now, _spared(callback, now))
    audit_log.record_many(
        session,
        audit_log.staff(agent_id),
        AuditAct.CUSTOMER_READ,
        now,
        about=[(customer.id, callback.id) for callback, customer in at_hand],
        purpose="own day",
    )
    opened = {callback.id: _opened(session, callback, who) for callback, who in at_hand}
    return [_row(callback, opened.get(callback.id)) for callback, _ in found]


def _row(callback: Callback, at_hand: Appointment | None) -> Row:
    return Row(
        id=callback.id,
        state=State(callback.state),
        starts_at=callback.starts_at,
        minutes=callback.minutes,
        ends_at=callback.ends_at,
        confirmed_at=callback.confirmed_at,
        outcome=callback.outcome,
        move_asked_at=callback.move_asked_at,
        at_hand=at_hand,
    )


def _opened(session: Session, callback: Callback, customer: Customer) -> Appointment:
    topic, ticket = words_of(session, callback)
    return Appointment(
        id=callback.id,
        state=State(callback.state),
        starts_at=callback.starts_at,
        minutes=callback.minutes,
        ends_at=callback.ends_at,
        topic=topic,
        ticket=ticket,
        customer=customer_records.opened(session, customer),
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


def topic_of(session: Session, callback: Callback) -> str:
    """What the call is about, for telling its customer."""
    return words_of(session, callback)[0]


def words_of(session: Session, callback: Callback) -> tuple[str, str]:
    """What the call is about, and its ticket; nothing once its customer has been erased."""
    if not callback.topic:
        return "", ""
    key = field_encryption.data_key(session, callback.customer_id)
    topic = key.open("callback", "topic", callback.id, callback.topic)
    ticket = callback.ticket
    return topic, key.open("callback", "ticket", callback.id, ticket) if ticket else ""


def by_ticket(session: Session, ticket: str) -> UUID | None:
    """The customer of the latest callback with exactly this ticket reference."""
    forms = keyring.of(session).forms("ticket", ticket)
    row = session.exec(
        select(Callback)
        .where(col(Callback.ticket_index).in_(forms))
        .order_by(col(Callback.id).desc())
        .limit(1)
    ).first()
    if row is None or not password_seal.holds(session, row):
        return None
    own = is_own("callback", row.id, lambda: words_of(session, row)[1], ticket)
    return row.customer_id if own else None


def holds_customer(session: Session, agent_id: UUID, customer_id: UUID, now: datetime) -> bool:
    """Whether the agent has a callback with this customer that is not long over, and so may book
    another (rule I1)."""
    rows = session.exec(
        select(Callback).where(
            col(Callback.customer_id) == customer_id, col(Callback.agent_id) == agent_id
        )
    )
    return any(not _is_long_over(row, now) for row in rows)


def upcoming(session: Session, customer_id: UUID, now: datetime) -> list[Callback]:
    """A customer's callbacks that are still to come or under way, soonest first; locked, so
    that they can be changed."""
    statement = (
        select(Callback)
        .where(
            col(Callback.customer_id) == customer_id,
            col(Callback.state).in_((State.BOOKED, *LIVE)),
            col(Callback.ends_at) > now,
        )
        .order_by(col(Callback.starts_at))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(session.exec(statement))


def next_booked(session: Session, customer_id: UUID, now: datetime) -> Callback | None:
    """The customer's next call that has not begun, locked."""
    found = upcoming(session, customer_id, now)
    return next((each for each in found if each.state == State.BOOKED), None)
