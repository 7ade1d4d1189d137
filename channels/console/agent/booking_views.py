"""Booking in two steps: find the customer by exact number or ticket, then enter topic and time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from channels.app_context import current_context
from channels.console import labels
from channels.console.agent import booking_form, booking_submission, time_picker
from channels.console.agent.booking_form import BookingFields
from channels.console.staff_request import StaffRequest, bp, staff_page
from channels.error_texts import describe_error
from channels.form_choices import list_locales, list_time_zones
from channels.locale_selection import select_locale
from people.customers import lookup_purposes
from people.errors import InvalidInput
from people.models import Role
from scheduling.availability import skills
from scheduling.availability.agent_assignment import PRODUCT
from scheduling.availability.agent_availability import Callee
from scheduling.booking import callback_history, customer_lookup
from scheduling.booking.customer_lookup import CustomerMatch
from scheduling.errors import SlotTaken
from scheduling.models import Callback
from scheduling.notifications import callback_notifier


@bp.get("/book")
@staff_page(Role.AGENT)
def show_booking_search(_: StaffRequest) -> ResponseReturnValue:
    """Show the search form for the customer."""
    return _render_booking_search({}, {})


@bp.get("/book/find")
@staff_page(Role.AGENT)
def redirect_to_booking_search(_: StaffRequest) -> ResponseReturnValue:
    """Redirect a reload of the second step to the search form: the address contains no customer."""
    return redirect(url_for("console.show_booking_search"), code=303)


@bp.post("/book/find")
@staff_page(Role.AGENT)
def show_booking_details(desk: StaffRequest) -> ResponseReturnValue:
    """Show the form for topic and time. Also shows another day's free slots; entered values are
    kept."""
    typed = booking_form.read_booking_fields(request.form)
    try:
        match = _find_booking_match(desk, typed)
    except InvalidInput as error:
        return _render_booking_search(typed, {error.field: describe_error(error)}), 422
    return _render_booking_details(desk, match, typed, {})


@bp.post("/book")
@staff_page(Role.AGENT)
def make_booking(desk: StaffRequest) -> ResponseReturnValue:
    """Book the callback and notify the customer, or show the form with its errors."""
    typed = booking_form.read_booking_fields(request.form)
    try:
        match = _find_booking_match(desk, typed)
    except InvalidInput as error:
        return _render_booking_search(typed, {error.field: describe_error(error)}), 422
    errors, twice = booking_form.check_booking_fields(desk, match, typed)
    if errors:
        return _render_booking_details(desk, match, typed, errors, twice), 422
    try:
        callback_id = booking_submission.book_from_form(desk, match, typed)
    except SlotTaken as error:
        return _render_booking_details(
            desk, match, typed, {"starts_at": describe_error(error)}, error.free_slots
        ), 409
    except InvalidInput as error:
        if error.field == "phone":  # a colleague has just added this customer
            match = _find_booking_match(desk, typed)
        return _render_booking_details(
            desk, match, typed, {error.field: describe_error(error)}
        ), 422
    callback = desk.session.get_one(Callback, callback_id)
    if callback.agent_id != desk.principal.id:
        return _render_colleague_booking(desk, callback)
    return redirect(url_for("console.show_callback_page", callback_id=callback_id), code=303)


def _render_colleague_booking(desk: StaffRequest, callback: Callback) -> str:
    return render_template(
        "console/handover_done.html",
        title=gettext("Booked"),
        name=callback_notifier.agent_first_name(desk.session, callback.agent_id),
        at=callback.starts_at,
        clock=desk.clock,
        live=False,
    )


def _find_booking_match(desk: StaffRequest, typed: BookingFields) -> CustomerMatch:
    """Look up the customer named in the first step.

    The second step sends the search term again, and carries no other data of the customer.
    """
    purpose = lookup_purposes.parse_lookup_purpose(typed["purpose"])
    who, policy = desk.principal, current_context().policy
    return customer_lookup.look_up_customer(
        desk.session, who, typed["find"], purpose, policy, desk.moment
    )


def _render_booking_search(typed: BookingFields, errors: dict[str, str]) -> str:
    return render_template(
        "console/book_whom.html",
        asked=typed.get("find", ""),
        purpose=typed.get("purpose", ""),
        purposes=labels.list_lookup_purposes(),
        errors=errors,
    )


def _render_booking_details(
    desk: StaffRequest,
    match: CustomerMatch,
    typed: BookingFields,
    errors: dict[str, str],
    slots: Sequence[datetime] | None = None,
) -> str:
    zone = booking_form.choose_customer_zone(match, typed)
    if slots is None:
        callee = Callee(zone, match.customer.id if match.customer else None)
        need = booking_form.build_form_requirements(desk, match, typed)
        slots = time_picker.find_free_times(
            desk, callee, booking_form.parse_minutes_or_default(typed), typed["on"], need=need
        )
    return render_template(
        "console/book_details.html",
        match=match,
        typed={**typed, "timezone": typed["timezone"] or zone},
        errors=errors,
        offers=time_picker.build_time_offers(desk, zone, slots),
        zone=zone,
        clock=desk.clock,
        now=desk.moment,
        key=booking_form.choose_form_key(typed, errors),
        locales=list_locales(current_context().policy.languages, select_locale()),
        zones=list_time_zones(),
        others=bool(callback_history.list_handover_candidates(desk.session, desk.principal.id)),
        products=skills.list_known_skills(desk.session, PRODUCT),
    )
