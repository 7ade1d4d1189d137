"""Booking, moving, cancelling and refusing callbacks. Each text goes into the outbox in the same
transaction as what it tells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, delete, select

from messaging import outbox, wording
from messaging.models import Priority
from messaging.wording import Voice
from people import customers, staff
from people.models import Customer, Staff
from people.text import clean, first_name
from scheduling import calendar, quiet, slots, window
from scheduling.errors import SlotTaken
from scheduling.models import Callback, TakenStep
from scheduling.policy import Policy
from scheduling.states import State, require, require_move
from storage.types import new_id
from vault import audit, fields, keyring

TOPIC_LIMIT, TICKET_LIMIT = 40, 40
SOON = timedelta(hours=1)


@dataclass(frozen=True)
class Wish:
    """A callback to be booked: ``starts_at`` is an instant, ``minutes`` its length."""

    starts_at: datetime
    minutes: int
    topic: str
    ticket: str = ""


def book(
    session: Session,
    customer: Customer,
    agent_id: UUID,
    wish: Wish,
    policy: Policy,
    now: datetime,
) -> Callback:
    """Book a callback and store the text that announces it.

    Raises ``InvalidInput``, or ``SlotTaken`` with the nearest free slots.
    """
    topic = clean("topic", wish.topic, limit=TOPIC_LIMIT, what="topic")
    ticket = clean("ticket", wish.ticket, limit=TICKET_LIMIT, what="ticket", required=False)
    calendar.require_length(wish.minutes)
    calendar.require_time(wish.starts_at, now, policy)
    _lock_agent(session, agent_id)
    calendar.require_free(
        session, agent_id, customer.timezone, wish.starts_at, wish.minutes, policy, now
    )
    row = new_id()
    key = fields.data_key(session, customer.id)
    callback = Callback(
        id=row,
        customer_id=customer.id,
        agent_id=agent_id,
        starts_at=wish.starts_at,
        minutes=wish.minutes,
        ends_at=window.closes(wish.starts_at, wish.minutes),
        state=State.BOOKED,
        topic=key.seal("callback", "topic", row, topic),
        ticket=key.seal("callback", "ticket", row, ticket) if ticket else None,
        ticket_index=keyring.of(session).blind_index("ticket", ticket) if ticket else None,
        booked_at=now,
    )
    session.add(callback)
    session.flush()
    _take(session, callback, customer, policy, now)
    _record(session, callback, audit.staff(agent_id), "callback.book", now)
    voice = _voice(session, customer, policy, now)
    body = wording.booked(voice, agent_name(session, agent_id), wish.starts_at, topic)
    tell(session, callback, customer, "booked", body, policy, now)
    return callback


def _lock_agent(session: Session, agent_id: UUID) -> None:
    """One booking of an agent at a time: two that swap their times would wait for each other."""
    session.exec(select(Staff.id).where(col(Staff.id) == agent_id).with_for_update(key_share=True))


def _take(
    session: Session,
    callback: Callback,
    customer: Customer,
    policy: Policy,
    now: datetime,
) -> None:
    """Take the agent's time. The primary key decides a race; its loser is told what is free."""
    try:
        with session.begin_nested():
            session.add_all(
                TakenStep(agent_id=callback.agent_id, step=step, callback_id=callback.id)
                for step in slots.steps(callback.starts_at, callback.minutes)
            )
            session.flush()
    except IntegrityError:
        near = calendar.nearest(
            session,
            callback.agent_id,
            customer.timezone,
            callback.starts_at,
            callback.minutes,
            policy,
            now,
        )
        raise SlotTaken("This time is already taken.", near) from None


def release(session: Session, callback_id: UUID) -> None:
    """Give the agent's time back."""
    session.exec(delete(TakenStep).where(col(TakenStep.callback_id) == callback_id))


def move(
    session: Session,
    callback: Callback,
    starts_at: datetime,
    policy: Policy,
    now: datetime,
) -> Callback:
    """Give a booked callback another time and tell its customer.

    ``callback`` is locked by the caller. Raises like :func:`book`, and ``WrongState``.
    """
    require(State(callback.state), State.BOOKED)
    customer = session.get_one(Customer, callback.customer_id)
    agent, minutes = callback.agent_id, callback.minutes
    calendar.require_time(starts_at, now, policy)
    _lock_agent(session, agent)
    calendar.require_free(
        session,
        agent,
        customer.timezone,
        starts_at,
        minutes,
        policy,
        now,
        but=callback.id,
    )
    release(session, callback.id)
    outbox.withdraw(session, callback.id, now)
    callback.starts_at, callback.move_asked_at = starts_at, None
    callback.ends_at = window.closes(starts_at, minutes)
    session.add(callback)
    session.flush()
    _take(session, callback, customer, policy, now)
    _record(session, callback, audit.staff(agent), "callback.move", now)
    voice = _voice(session, customer, policy, now)
    body = wording.moved(voice, agent_name(session, agent), starts_at)
    tell(session, callback, customer, "moved", body, policy, now)
    return callback


def cancel(session: Session, callback: Callback, policy: Policy, now: datetime) -> None:
    """Call a booked callback off and tell its customer. Raises ``WrongState``."""
    _end_unstarted(session, callback, State.CANCELLED, now)
    _record(session, callback, audit.staff(callback.agent_id), "callback.cancel", now)
    customer = session.get_one(Customer, callback.customer_id)
    voice = _voice(session, customer, policy, now)
    body = wording.cancelled(voice, callback.starts_at)
    tell(session, callback, customer, "cancelled", body, policy, now)


def refuse(session: Session, callback: Callback, now: datetime) -> None:
    """The customer did not ask for this call. Raises ``WrongState`` once it has started."""
    _end_unstarted(session, callback, State.REFUSED, now)
    _record(session, callback, audit.CUSTOMER, "callback.refuse", now)


def ask_to_move(session: Session, callback: Callback, now: datetime) -> None:
    """The customer wants another time; the agent sees it on the callback."""
    require(State(callback.state), State.BOOKED)
    callback.move_asked_at = now
    session.add(callback)
    session.flush()
    _record(session, callback, audit.CUSTOMER, "callback.ask_to_move", now)


def miss_overdue(session: Session, now: datetime) -> None:
    """Mark callbacks as missed whose window went by without a start (a job of the worker)."""
    overdue = session.exec(
        select(Callback)
        .where(col(Callback.state) == State.BOOKED, col(Callback.ends_at) <= now)
        .order_by(col(Callback.ends_at))
        .limit(200)
        .with_for_update(skip_locked=True)
    ).all()
    for callback in overdue:
        _end_unstarted(session, callback, State.MISSED, now)
        _record(session, callback, audit.SYSTEM, "callback.miss", now)


def _end_unstarted(session: Session, callback: Callback, state: State, now: datetime) -> None:
    require_move(State(callback.state), state)
    callback.state, callback.ended_at = state, now
    session.add(callback)
    session.flush()
    release(session, callback.id)
    outbox.withdraw(session, callback.id, now)


def tell(
    session: Session,
    callback: Callback,
    customer: Customer,
    kind: str,
    body: str,
    policy: Policy,
    now: datetime,
) -> None:
    """Store a text to the callback's customer; it is of no use once the call would be over.

    At night where the customer lives it waits for the morning (rule M4).
    """
    person = customers.opened(session, customer)
    soon = callback.starts_at - now <= SOON
    outbox.put(
        session,
        outbox.Draft(
            customer_id=customer.id,
            callback_id=callback.id,
            kind=kind,
            to=person.phone,
            body=body,
            due_at=quiet.until_decent(now, customer.timezone, policy.decent_hours),
            expires_at=callback.ends_at,
            priority=Priority.SOON if soon else Priority.NOTICE,
        ),
        now,
    )


def _voice(session: Session, customer: Customer, policy: Policy, now: datetime) -> Voice:
    phrase = customers.safe_phrase(session, customer, now, "to write a text")
    return policy.voice(customer.locale, customer.timezone, phrase)


def agent_name(session: Session, agent_id: UUID) -> str:
    """The first name that a customer is told."""
    member = session.get_one(Staff, agent_id)
    return first_name(staff.name_of(session, member.id, member.name))


def _record(
    session: Session, callback: Callback, actor: audit.Actor, action: str, now: datetime
) -> None:
    audit.record(
        session,
        actor,
        action,
        now,
        customer_id=callback.customer_id,
        callback_id=callback.id,
    )
