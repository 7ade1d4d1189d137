"""Looks up the customer of a booking by exact number or ticket; there is no browsing (rule I1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from people import phone_numbers
from people.customers import customer_records, lookup_log
from people.customers.lookup_purposes import LookupPurpose
from people.errors import InvalidInput
from people.models import Customer
from people.principal import Principal
from people.text_input import AllowedContent, clean_text_input
from scheduling import callback_fields
from scheduling.error_codes import SchedulingErrorCode
from scheduling.policy import Policy

LIMIT = 40


@dataclass(frozen=True)
class CustomerMatch:
    """A known ``customer``, or ``None`` with the ``phone`` (E.164) of a new one.

    ``masked`` is the part of the number that may be shown, ``initial`` that of a known name.
    ``timezone`` is the customer's, or the most likely one for the number.
    """

    customer: Customer | None
    phone: str
    masked: str
    initial: str
    timezone: str


def look_up_customer(
    session: Session,
    agent: Principal,
    asked: str,
    purpose: LookupPurpose,
    policy: Policy,
    now: datetime,
) -> CustomerMatch:
    """Find the customer by phone number or ticket.

    Each look-up is counted and logged with its purpose, including those without a match. Raise
    ``InvalidInput`` or ``BudgetSpent``.
    """
    number, problem = _parse_phone_or_problem(asked, policy)
    customer = customer_records.find_by_phone(session, number) if number else None
    refused = None
    if customer is None:
        try:
            customer = _customer_by_ticket(session, asked)
        except InvalidInput as error:  # the look-up of a number is logged even so
            if number is None:
                raise
            refused = error
    record_customer_lookup(session, agent, customer, number or asked.strip(), purpose, now)
    if refused is not None:
        raise refused
    if customer is not None:
        person = customer_records.open_customer_details(session, customer)
        return CustomerMatch(customer, "", person.phone_masked, person.name[:1], customer.timezone)
    if number is None:
        raise InvalidInput("find", SchedulingErrorCode.TICKET_NOT_FOUND, problem=problem)
    try:
        phone_numbers.require_callable(number, policy.countries)
    except InvalidInput as error:
        raise InvalidInput("find", error.code, **error.parameters) from None
    zone = phone_numbers.guess_phone_zone(number, policy.default_zone)
    return CustomerMatch(None, number, phone_numbers.mask_phone(number), "", zone)


def record_customer_lookup(
    session: Session,
    agent: Principal,
    customer: Customer | None,
    asked: str,
    purpose: LookupPurpose,
    now: datetime,
) -> None:
    """Count and log a look-up. Raise ``BudgetSpent``."""
    who = customer.id if customer else None
    lookup_log.log_customer_lookup(session, agent.actor, who, asked, purpose, now)


def _parse_phone_or_problem(asked: str, policy: Policy) -> tuple[str | None, InvalidInput | None]:
    try:
        return phone_numbers.parse_phone(asked, policy.default_region), None
    except InvalidInput as error:
        return None, error


def _customer_by_ticket(session: Session, asked: str) -> Customer | None:
    ticket = clean_text_input("find", asked, limit=LIMIT, allowed=AllowedContent.ANYTHING)
    customer_id = callback_fields.find_customer_by_ticket(session, ticket)
    return session.get(Customer, customer_id) if customer_id else None
