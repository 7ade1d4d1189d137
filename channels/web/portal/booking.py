"""A customer books a call with any free agent."""

from __future__ import annotations

from datetime import datetime

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from channels.app_context import current_context
from channels.error_codes import ChannelErrorCode
from channels.time_format import read_instant
from channels.web.portal.auth import CustomerRequest, bp, customer_required
from channels.web.portal.slots import BOOKING_HORIZON, MAX_FREE_SLOTS, spread_out_times
from people.errors import InvalidInput
from scheduling import callback_rows
from scheduling.availability import agent_assignment
from scheduling.availability.agent_assignment import AgentRequirements
from scheduling.availability.agent_availability import Callee
from scheduling.booking import any_agent_booking, bookings, customer_callbacks
from scheduling.booking.bookings import BookingRequest
from scheduling.errors import SlotTaken
from vault.audit import audit_log

CALL_MINUTES = 15


@bp.get("/book")
@customer_required
def show_portal_booking(owner: CustomerRequest) -> ResponseReturnValue:
    """Show the form: the topic, and the free times."""
    return _render_portal_booking(owner, "", {})


@bp.post("/book")
@customer_required
def submit_portal_booking(owner: CustomerRequest) -> ResponseReturnValue:
    """Book one of the offered times, unless three calls are booked already."""
    topic = request.form.get("topic", "")[:200]
    try:
        bookings.clean_topic(topic)
    except InvalidInput:
        return _render_portal_booking(owner, topic, {"topic": _topic_advice()}), 422
    try:
        _reserve_offered_time(owner, topic)
    except SlotTaken as error:
        gone = gettext("Somebody else was faster. These times are free:")
        return _render_portal_booking(
            owner, topic, {"starts_at": gone}, list(error.free_slots)
        ), 409
    except InvalidInput as error:
        enough = gettext("You have three calls booked. Call one off first.")
        advice = enough if error.field == "calls" else gettext("Choose one of these times:")
        return _render_portal_booking(owner, topic, {"starts_at": advice}), 422
    return redirect(url_for("own.show_portal_home", done="booked"), code=303)


def _topic_advice() -> str:
    return gettext("Write in a few words what the call is about, without a link.")


def _reserve_offered_time(owner: CustomerRequest, topic: str) -> None:
    starts_at = read_instant(request.form.get("starts_at", ""), "starts_at")
    session, customer = owner.session, owner.customer
    with session.begin_nested():
        if (
            len(callback_rows.lock_upcoming_callbacks(session, customer.id, owner.moment))
            >= customer_callbacks.MAX_BOOKED
        ):
            raise InvalidInput("calls", ChannelErrorCode.TOO_MANY_CALLS_BOOKED)
        booking_request = BookingRequest(starts_at, CALL_MINUTES, topic)
        requirements = AgentRequirements(language=customer.locale)
        any_agent_booking.book_with_any_agent(
            session,
            customer,
            requirements,
            booking_request,
            current_context().policy,
            owner.moment,
            audit_log.CUSTOMER,
        )


def _render_portal_booking(
    owner: CustomerRequest, topic: str, errors: dict[str, str], times: list[datetime] | None = None
) -> str:
    customer = owner.customer
    if times is None:
        slots = agent_assignment.find_pool_slots(
            owner.session,
            AgentRequirements(language=customer.locale),
            Callee(customer.timezone, customer.id),
            (owner.moment, owner.moment + BOOKING_HORIZON),
            CALL_MINUTES,
            current_context().policy,
            owner.moment,
            MAX_FREE_SLOTS,
        )
        times = spread_out_times(slots, customer.timezone)
    return render_template(
        "portal/book.html", topic=topic, times=times, errors=errors, clock=owner.clock
    )
