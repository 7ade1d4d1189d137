"""Erasing a customer whom somebody names takes two people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, func, select

from people.approvals import approval_requests, bootstrap
from people.approvals.request_types import About, Act, Kind
from people.customers import customer_records
from people.errors import NoLonger
from people.models import Customer, Role
from procedures.erasure import erase
from scheduling.models import Callback
from scheduling.states import LIVE, State
from vault.audit import audit_log

WHY = "asked for"


def ask(session: Session, customer: Customer, why: str, by: UUID | None, now: datetime) -> None:
    """Ask for a customer to be erased. Raises ``NotAllowed``, ``InvalidInput`` or ``NoLonger``."""
    _require_erasable(session, customer)
    approval_requests.ask(session, ERASE, {}, why, by, now, about=About(customer_id=customer.id))


def at_once(session: Session, customer: Customer, actor: audit_log.Actor, now: datetime) -> None:
    """Erase a customer. Raises ``NoLonger``."""
    _require_erasable(session, customer)
    erase(session, [customer.id], actor, now, WHY)


def _require_erasable(session: Session, customer: Customer) -> None:
    if customer.erased_at is not None:
        raise NoLonger("This customer has been erased already.")
    busy = select(Callback.id).where(
        col(Callback.customer_id) == customer.id, col(Callback.state).in_((State.BOOKED, *LIVE))
    )
    if session.exec(busy.limit(1)).first() is not None:
        raise NoLonger("A call is booked with this customer. It must be called off first.")


def _erase(session: Session, act: Act, now: datetime) -> None:
    customer = session.exec(
        select(Customer)
        .where(col(Customer.id) == act.about.customer_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    at_once(session, customer, act.actor, now)


def _facts(session: Session, act: Act) -> Sequence[tuple[str, str]]:
    customer = session.get_one(Customer, act.about.customer_id)
    count = session.exec(select(func.count()).where(col(Callback.customer_id) == customer.id)).one()
    person = customer_records.opened(session, customer)
    return [("number", person.phone_masked if person.phone else "–"), ("calls", str(count))]


def _gone(session: Session, act: Act) -> str:
    customer = session.get_one(Customer, act.about.customer_id)
    return "" if customer.erased_at is None else "erased"


ERASE = Kind(
    "customers.erase",
    asks=frozenset({Role.INVESTIGATOR}),
    approves=bootstrap.APPROVERS,
    facts=_facts,
    run=_erase,
    by_operator=True,
    same=(),
    hopeless=_gone,
)
