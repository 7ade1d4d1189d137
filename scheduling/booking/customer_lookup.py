"""Whom an agent is about to book: found by an exact number or ticket, never browsed (rule I1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from people import phone_numbers
from people.customers import customer_records, lookup_log
from people.customers.lookup_purposes import Purpose
from people.errors import InvalidInput
from people.models import Customer
from people.staff.authentication import Principal
from people.text_input import Allowed, clean
from scheduling import callbacks
from scheduling.policy import Policy

LIMIT = 40


@dataclass(frozen=True)
class Match:
    """A known ``customer``, or none and the ``phone`` (E.164) of a new one; ``masked`` is what
    may be shown of the number and ``initial`` of a known name, and ``timezone`` the customer's, or
    the number's most likely."""

    customer: Customer | None
    phone: str
    masked: str
    initial: str
    timezone: str


def find(
    session: Session,
    agent: Principal,
    asked: str,
    purpose: Purpose,
    policy: Policy,
    now: datetime,
) -> Match:
    """Whom a phone number or a ticket names. Every look-up is written down with its purpose and
    counted, also one that finds nobody. Raises ``InvalidInput`` or ``BudgetSpent``."""
    number, problem = _number(asked, policy)
    customer = customer_records.find_by_phone(session, number) if number else None
    refused = None
    if customer is None:
        try:
            customer = _by_ticket(session, asked)
        except InvalidInput as error:  # a number that was looked up is written down all the same
            if number is None:
                raise
            refused = error
    note(session, agent, customer, number or asked.strip(), purpose, now)
    if refused is not None:
        raise refused
    if customer is not None:
        person = customer_records.opened(session, customer)
        return Match(customer, "", person.phone_masked, person.name[:1], customer.timezone)
    if number is None:
        raise InvalidInput("find", f"No ticket of ours. For a new customer: {problem}")
    try:
        phone_numbers.require_callable(number, policy.countries)
    except InvalidInput as error:
        raise InvalidInput("find", str(error)) from None
    zone = phone_numbers.zone_of(number, policy.default_zone)
    return Match(None, number, phone_numbers.masked(number), "", zone)


def note(
    session: Session,
    agent: Principal,
    customer: Customer | None,
    asked: str,
    purpose: Purpose,
    now: datetime,
) -> None:
    """Count a look-up and write it down. Raises ``BudgetSpent``."""
    who = customer.id if customer else None
    lookup_log.note_customer(session, agent.actor, who, asked, purpose, now)


def _number(asked: str, policy: Policy) -> tuple[str | None, str]:
    try:
        return phone_numbers.parse(asked, policy.default_region), ""
    except InvalidInput as error:
        return None, str(error)


def _by_ticket(session: Session, asked: str) -> Customer | None:
    ticket = clean(
        "find", asked, limit=LIMIT, what="phone number or ticket", allowed=Allowed.ANYTHING
    )
    found = callbacks.by_ticket(session, ticket)
    return session.get(Customer, found) if found else None
