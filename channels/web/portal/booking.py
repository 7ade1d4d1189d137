"""A customer books a call, with whoever is free."""

from __future__ import annotations

from datetime import datetime

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from channels.app_context import ctx
from channels.time_format import read_instant
from channels.web.portal.auth import Owner, own_page, pages
from channels.web.portal.slots import AHEAD, MOST, few
from people.errors import InvalidInput
from scheduling import callbacks
from scheduling.availability import agent_assignment
from scheduling.availability.agent_assignment import Need
from scheduling.availability.agent_availability import Callee
from scheduling.booking import bookings, customer_callbacks
from scheduling.booking.bookings import Wish
from scheduling.errors import SlotTaken
from vault.audit import audit_log

MINUTES = 15


@pages.get("/book")
@own_page
def book(owner: Owner) -> ResponseReturnValue:
    """What about? And when?"""
    return _form(owner, "", {})


@pages.post("/book")
@own_page
def make_call(owner: Owner) -> ResponseReturnValue:
    """Book one of the times offered, unless three are booked already."""
    topic = request.form.get("topic", "")[:200]
    try:
        bookings.clean_topic(topic)
    except InvalidInput:
        return _form(owner, topic, {"topic": _about()}), 422
    try:
        _book(owner, topic)
    except SlotTaken as error:
        gone = gettext("Somebody else was faster. These times are free:")
        return _form(owner, topic, {"starts_at": gone}, list(error.free_slots)), 409
    except InvalidInput as error:
        enough = gettext("You have three calls booked. Call one off first.")
        advice = enough if error.field == "calls" else gettext("Choose one of these times:")
        return _form(owner, topic, {"starts_at": advice}), 422
    return redirect(url_for("own.enter", done="booked"), code=303)


def _about() -> str:
    return gettext("Write in a few words what the call is about, without a link.")


def _book(owner: Owner, topic: str) -> None:
    starts_at = read_instant(request.form.get("starts_at", ""), "starts_at")
    session, customer = owner.session, owner.customer
    with session.begin_nested():
        if (
            len(callbacks.upcoming(session, customer.id, owner.moment))
            >= customer_callbacks.MOST_BOOKED
        ):
            raise InvalidInput("calls", "Three calls are booked already.")
        wish = Wish(starts_at, MINUTES, topic)
        need = Need(language=customer.locale)
        agent_assignment.book(
            session, customer, need, wish, ctx().policy, owner.moment, audit_log.CUSTOMER
        )


def _form(
    owner: Owner, topic: str, errors: dict[str, str], times: list[datetime] | None = None
) -> str:
    customer = owner.customer
    if times is None:
        found = agent_assignment.free_slots(
            owner.session,
            Need(language=customer.locale),
            Callee(customer.timezone, customer.id),
            (owner.moment, owner.moment + AHEAD),
            MINUTES,
            ctx().policy,
            owner.moment,
            MOST,
        )
        times = few(found, customer.timezone)
    return render_template(
        "own/book.html", topic=topic, times=times, errors=errors, clock=owner.clock
    )
