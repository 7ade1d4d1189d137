"""Callbacks as their agent sees them; each look at one is written down first (rule I1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from people import customers
from people.customers import Person
from people.errors import NotFound
from people.models import Customer
from scheduling.models import Callback
from scheduling.states import LIVE, State
from vault import audit, fields, keyring


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


def held(session: Session, callback_id: UUID, agent_id: UUID, *, lock: bool = False) -> Callback:
    """A callback this agent holds, unopened. Raises ``NotFound`` for any other, whether or not
    it exists. ``lock`` keeps it from changing until the transaction ends."""
    statement = select(Callback).where(
        col(Callback.id) == callback_id, col(Callback.agent_id) == agent_id
    )
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    found = session.exec(statement).first()
    if found is None:
        raise NotFound("There is no such callback of yours.")
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
    """The callback in plain, after writing down that its agent read it."""
    audit.record(
        session,
        audit.staff(callback.agent_id),
        "customer.read",
        now,
        customer_id=callback.customer_id,
        callback_id=callback.id,
        purpose=purpose,
    )
    return _opened(session, callback, session.get_one(Customer, callback.customer_id))


def day(
    session: Session, agent_id: UUID, since: datetime, until: datetime, now: datetime
) -> list[Appointment]:
    """An agent's callbacks that start between two instants, earliest first."""
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
    audit.record_many(
        session,
        audit.staff(agent_id),
        "customer.read",
        now,
        about=[(customer.id, callback.id) for callback, customer in found],
        purpose="own day",
    )
    return [_opened(session, callback, customer) for callback, customer in found]


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
        customer=customers.opened(session, customer),
        started_at=callback.started_at,
        confirmed_at=callback.confirmed_at,
        confirmed_by=callback.confirmed_by,
        ended_at=callback.ended_at,
        outcome=callback.outcome,
        move_asked_at=callback.move_asked_at,
        earlier_wanted_at=callback.earlier_wanted_at,
        moves=callback.moves,
    )


def topic_of(session: Session, callback: Callback) -> str:
    """What the call is about, for telling its customer."""
    return words_of(session, callback)[0]


def words_of(session: Session, callback: Callback) -> tuple[str, str]:
    """What the call is about, and its ticket; nothing once its customer has been erased."""
    if not callback.topic:
        return "", ""
    key = fields.data_key(session, callback.customer_id)
    topic = key.open("callback", "topic", callback.id, callback.topic)
    ticket = callback.ticket
    return topic, key.open("callback", "ticket", callback.id, ticket) if ticket else ""


def by_ticket(session: Session, ticket: str) -> UUID | None:
    """The customer of the latest callback with exactly this ticket reference."""
    index = keyring.of(session).blind_index("ticket", ticket)
    return session.exec(
        select(Callback.customer_id)
        .where(col(Callback.ticket_index) == index)
        .order_by(col(Callback.id).desc())
        .limit(1)
    ).first()


def holds_customer(session: Session, agent_id: UUID, customer_id: UUID) -> bool:
    """Whether the agent has a callback with this customer, and so may book another (rule I1)."""
    found = session.exec(
        select(Callback.id)
        .where(col(Callback.customer_id) == customer_id, col(Callback.agent_id) == agent_id)
        .limit(1)
    ).first()
    return found is not None


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
