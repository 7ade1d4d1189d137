"""Submission of the booking form. It is idempotent and atomic."""

from __future__ import annotations

import json
import secrets
from uuid import UUID

from channels.app_context import current_context
from channels.console.agent import time_picker
from channels.console.agent.booking_form import (
    DUPLICATE_FIELD,
    BookingFields,
    build_form_requirements,
    parse_call_minutes,
)
from channels.console.staff_request import StaffRequest
from channels.error_codes import ChannelErrorCode
from messaging.i18n import best_language
from people.customers import customer_creation
from people.errors import InvalidInput
from people.models import Customer
from scheduling.booking import any_agent_booking, bookings, idempotency
from scheduling.booking.customer_lookup import CustomerMatch
from scheduling.models import Callback


def book_from_form(desk: StaffRequest, match: CustomerMatch, form: BookingFields) -> UUID:
    """Book the callback described by the form, once however often it is sent. Return the callback's
    id.

    A new customer is added in the same transaction as the booking, or not at all. Raises
    ``InvalidInput`` or ``SlotTaken``.
    """
    minutes = parse_call_minutes(form["minutes"])
    wish = bookings.BookingRequest(
        time_picker.read_chosen_time(desk, form), minutes, form["topic"], form["ticket"]
    )
    try:
        return _book_under_form_key(desk, match, form, wish)
    except idempotency.ConcurrentRequest:
        return _book_under_form_key(desk, match, form, wish)


def _book_under_form_key(
    desk: StaffRequest, match: CustomerMatch, form: BookingFields, wish: bookings.BookingRequest
) -> UUID:
    session, agent = desk.session, desk.principal
    key = form["key"] or secrets.token_urlsafe(16)
    sent = json.dumps({**form, "key": ""}, sort_keys=True).encode()
    with session.begin_nested():
        try:
            claimed = idempotency.claim_idempotency_key(session, agent.id, key, sent, desk.moment)
        except InvalidInput:
            raise InvalidInput(DUPLICATE_FIELD, ChannelErrorCode.FORM_BOOKED_ALREADY) from None
        if claimed.callback_id is None:
            customer = match.customer or _add_booked_customer(desk, match, form)
            callback = _create_form_booking(desk, match, customer, form, wish)
            claimed.callback_id = callback.id
            session.add(claimed)
        return claimed.callback_id


def _create_form_booking(
    desk: StaffRequest,
    match: CustomerMatch,
    customer: Customer,
    form: BookingFields,
    wish: bookings.BookingRequest,
) -> Callback:
    session, agent, policy = desk.session, desk.principal, current_context().policy
    need = build_form_requirements(desk, match, form)
    if need is None:
        return bookings.book_callback(session, customer, agent.id, wish, policy, desk.moment)
    return any_agent_booking.book_with_any_agent(
        session, customer, need, wish, policy, desk.moment, agent.actor
    )


def _add_booked_customer(desk: StaffRequest, match: CustomerMatch, form: BookingFields) -> Customer:
    policy = current_context().policy
    return customer_creation.add_customer(
        desk.session,
        customer_creation.NewCustomer(
            phone=match.phone,
            name=form["name"],
            locale=best_language(form["locale"], policy.languages),
            timezone=form["timezone"],
        ),
        desk.principal.actor,
        desk.moment,
        countries=policy.countries,
        default_zone=policy.default_zone,
    )
