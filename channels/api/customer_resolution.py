"""Finds or adds the customer that a booking over the API is for."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from channels.api.callback_schemas import CallbackIn, CustomerIn
from channels.app_context import current_context
from channels.check_service import read_number
from channels.error_codes import ChannelErrorCode
from messaging.i18n import best_language
from people.customers import customer_creation, customer_records
from people.errors import InvalidInput, NotFound
from people.models import Customer
from people.principal import Principal
from scheduling import callback_rows
from scheduling.booking import customer_lookup


def record_booking_lookup(
    session: Session, agent: Principal, body: CallbackIn, moment: datetime
) -> None:
    """Count and audit the lookup of a customer, by number, by a new customer's reference, or by an
    id of which the agent may have no callback. Raises ``InvalidInput`` or ``BudgetExceeded``."""
    if (body.customer is None) == (body.customer_id is None):
        raise InvalidInput("customer", ChannelErrorCode.CUSTOMER_GIVEN_TWICE)
    if body.customer is not None:
        phone = read_number(body.customer.phone)
        customer, query = customer_records.find_by_phone(session, phone), phone
        ref = body.customer.external_ref.strip()
        if (
            customer is None and ref
        ):  # adding the customer would reveal whether the reference exists
            customer, query = customer_records.find_by_external_ref(session, ref), f"{phone} {ref}"
        customer_lookup.record_customer_lookup(
            session, agent, customer, query, body.purpose, moment
        )
    elif body.customer_id is not None:
        has_callback = callback_rows.has_recent_callback(
            session, agent.id, body.customer_id, moment
        )
        customer_with_callback = (
            session.get_one(Customer, body.customer_id) if has_callback else None
        )
        customer_lookup.record_customer_lookup(
            session, agent, customer_with_callback, str(body.customer_id), body.purpose, moment
        )


def resolve_customer(
    session: Session, agent: Principal, body: CallbackIn, moment: datetime
) -> Customer:
    """Return the customer named in the request, who has been looked up; add one if the number is
    new.

    Raises ``InvalidInput``, or ``NotFound`` for an id of which the agent has no callback.
    """
    if body.customer is not None:
        return _find_or_add_customer(session, agent, body.customer, moment)
    return _customer_held_by_agent(session, agent, body.customer_id, moment)


def _customer_held_by_agent(
    session: Session, agent: Principal, customer_id: UUID | None, moment: datetime
) -> Customer:
    if customer_id is None or not callback_rows.has_recent_callback(
        session, agent.id, customer_id, moment
    ):
        raise NotFound(ChannelErrorCode.CUSTOMER_NOT_FOUND)
    customer = session.get_one(Customer, customer_id)
    if customer.erased_at is not None:
        raise NotFound(ChannelErrorCode.KNOWN_CUSTOMER_ERASED)
    return customer


def _find_or_add_customer(
    session: Session, agent: Principal, given: CustomerIn, moment: datetime
) -> Customer:
    phone = read_number(given.phone)
    customer = customer_records.find_by_phone(session, phone)
    if customer is not None:
        return customer
    policy = current_context().policy
    new = customer_creation.NewCustomer(
        phone=phone,
        name=given.name,
        locale=best_language(given.locale, policy.languages),
        timezone=given.timezone,
        external_ref=given.external_ref,
    )
    return customer_creation.add_customer(
        session,
        new,
        agent.actor,
        moment,
        countries=policy.countries,
        default_zone=policy.default_zone,
    )
