"""Which customer a booking over the API is for."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from channels.api.schemas import CallbackIn, CustomerIn
from channels.app_context import ctx
from channels.check_service import read_number
from messaging.i18n import best
from people.customers import customer_records
from people.errors import InvalidInput, NotFound
from people.models import Customer
from people.staff.authentication import Principal
from scheduling import callbacks
from scheduling.booking import customer_lookup


def look_up(session: Session, agent: Principal, body: CallbackIn, moment: datetime) -> None:
    """Count and write down that a customer is looked up, by number, by a new customer's reference,
    or by an id of which the agent may hold no callback. Raises ``InvalidInput`` or
    ``BudgetSpent``."""
    if (body.customer is None) == (body.customer_id is None):
        raise InvalidInput("customer", "Give either customer or customer_id.")
    if body.customer is not None:
        phone = read_number(body.customer.phone)
        found, asked = customer_records.find_by_phone(session, phone), phone
        ref = body.customer.external_ref.strip()
        if found is None and ref:  # adding them would tell whether somebody has it
            found, asked = customer_records.find_by_external_ref(session, ref), f"{phone} {ref}"
        customer_lookup.note(session, agent, found, asked, body.purpose, moment)
    elif body.customer_id is not None:
        mine = callbacks.holds_customer(session, agent.id, body.customer_id, moment)
        held = session.get_one(Customer, body.customer_id) if mine else None
        customer_lookup.note(session, agent, held, str(body.customer_id), body.purpose, moment)


def chosen(session: Session, agent: Principal, body: CallbackIn, moment: datetime) -> Customer:
    """The customer named in the request, who has been looked up; added when the number is new.

    Raises ``InvalidInput``, or ``NotFound`` for an id of which the agent holds no callback.
    """
    if body.customer is not None:
        return _found_or_added(session, agent, body.customer, moment)
    return _held(session, agent, body.customer_id, moment)


def _held(
    session: Session, agent: Principal, customer_id: UUID | None, moment: datetime
) -> Customer:
    if customer_id is None or not callbacks.holds_customer(session, agent.id, customer_id, moment):
        raise NotFound("There is no such customer of yours.")
    found = session.get_one(Customer, customer_id)
    if found.erased_at is not None:
        raise NotFound("What we knew of this customer is gone. Book with their number.")
    return found


def _found_or_added(
    session: Session, agent: Principal, given: CustomerIn, moment: datetime
) -> Customer:
    phone = read_number(given.phone)
    found = customer_records.find_by_phone(session, phone)
    if found is not None:
        return found
    policy = ctx().policy
    new = customer_records.NewCustomer(
        phone=phone,
        name=given.name,
        locale=best(given.locale, policy.languages),
        timezone=given.timezone,
        external_ref=given.external_ref,
    )
    return customer_records.add(
        session,
        new,
        agent.actor,
        moment,
        countries=policy.countries,
        default_zone=policy.default_zone,
    )
