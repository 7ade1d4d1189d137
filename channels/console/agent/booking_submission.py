"""The booking that a form means: made once however often it is sent, and whole or not at all."""

from __future__ import annotations

import json
import secrets
from uuid import UUID

from channels.app_context import ctx
from channels.console.agent import time_picker
from channels.console.agent.booking_form import AGAIN, Typed, minutes_of, need_of
from channels.console.staff_request import Desk
from messaging.i18n import best
from people.customers import customer_records
from people.errors import InvalidInput
from people.models import Customer
from scheduling.availability import agent_assignment
from scheduling.booking import bookings, idempotency
from scheduling.booking.customer_lookup import Match
from scheduling.models import Callback


def book(desk: Desk, match: Match, form: Typed) -> UUID:
    """Book what the form says, once however often it is sent; gives the callback's id.

    All or nothing: a customer is added only along with a booking. Raises ``InvalidInput``
    or ``SlotTaken``.
    """
    minutes = minutes_of(form["minutes"])
    wish = bookings.Wish(time_picker.chosen(desk, form), minutes, form["topic"], form["ticket"])
    try:
        return _once(desk, match, form, wish)
    except idempotency.Raced:
        return _once(desk, match, form, wish)


def _once(desk: Desk, match: Match, form: Typed, wish: bookings.Wish) -> UUID:
    session, agent = desk.session, desk.principal
    key = form["key"] or secrets.token_urlsafe(16)
    sent = json.dumps({**form, "key": ""}, sort_keys=True).encode()
    with session.begin_nested():
        try:
            claimed = idempotency.claim(session, agent.id, key, sent, desk.moment)
        except InvalidInput:
            again = "This form has booked a call already. To book another, press Book once more."
            raise InvalidInput(AGAIN, again) from None
        if claimed.callback_id is None:
            customer = match.customer or _added(desk, match, form)
            made = _made(desk, match, customer, form, wish)
            claimed.callback_id = made.id
            session.add(claimed)
        return claimed.callback_id


def _made(
    desk: Desk, match: Match, customer: Customer, form: Typed, wish: bookings.Wish
) -> Callback:
    session, agent, policy = desk.session, desk.principal, ctx().policy
    need = need_of(desk, match, form)
    if need is None:
        return bookings.book(session, customer, agent.id, wish, policy, desk.moment)
    return agent_assignment.book(session, customer, need, wish, policy, desk.moment, agent.actor)


def _added(desk: Desk, match: Match, form: Typed) -> Customer:
    policy = ctx().policy
    return customer_records.add(
        desk.session,
        customer_records.NewCustomer(
            phone=match.phone,
            name=form["name"],
            locale=best(form["locale"], policy.languages),
            timezone=form["timezone"],
        ),
        desk.principal.actor,
        desk.moment,
        countries=policy.countries,
        default_zone=policy.default_zone,
    )
