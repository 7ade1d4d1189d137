"""Booking: first whom, by an exact number or ticket; then what about and when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from channels.app_context import ctx
from channels.console import labels
from channels.console.agent import booking_form, booking_submission, time_picker
from channels.console.agent.booking_form import Typed
from channels.console.staff_request import Desk, pages, staff_page
from channels.form_choices import locales, zones
from channels.locale_selection import select
from people.customers import lookup_purposes
from people.errors import InvalidInput
from people.models import Role
from scheduling.availability import skills
from scheduling.availability.agent_assignment import PRODUCT
from scheduling.availability.agent_availability import Callee
from scheduling.booking import callback_history, customer_lookup
from scheduling.booking.customer_lookup import Match
from scheduling.errors import SlotTaken
from scheduling.models import Callback
from scheduling.notifications import callback_notifier


@pages.get("/book")
@staff_page(Role.AGENT)
def book(_: Desk) -> ResponseReturnValue:
    """Whom? One field."""
    return _whom({}, {})


@pages.get("/book/find")
@staff_page(Role.AGENT)
def found(_: Desk) -> ResponseReturnValue:
    """A reload of the second step's address begins anew; nothing of a customer is in it."""
    return redirect(url_for("console.book"), code=303)


@pages.post("/book/find")
@staff_page(Role.AGENT)
def find(desk: Desk) -> ResponseReturnValue:
    """What about, and when? Also to look at another day's free times; nothing typed is lost."""
    typed = booking_form.typed(request.form)
    try:
        match = _match(desk, typed)
    except InvalidInput as error:
        return _whom(typed, {error.field: str(error)}), 422
    return _details(desk, match, typed, {})


@pages.post("/book")
@staff_page(Role.AGENT)
def make_booking(desk: Desk) -> ResponseReturnValue:
    """Book and announce it; or the form again with what stands against it."""
    typed = booking_form.typed(request.form)
    try:
        match = _match(desk, typed)
    except InvalidInput as error:
        return _whom(typed, {error.field: str(error)}), 422
    errors, twice = booking_form.problems(desk, match, typed)
    if errors:
        return _details(desk, match, typed, errors, twice), 422
    try:
        callback_id = booking_submission.book(desk, match, typed)
    except SlotTaken as error:
        return _details(desk, match, typed, {"starts_at": str(error)}, error.free_slots), 409
    except InvalidInput as error:
        if error.field == "phone":  # added by a colleague at this moment, so known by now
            match = _match(desk, typed)
        return _details(desk, match, typed, {error.field: str(error)}), 422
    callback = desk.session.get_one(Callback, callback_id)
    if callback.agent_id != desk.principal.id:
        return _with_a_colleague(desk, callback)
    return redirect(url_for("console.card", callback_id=callback_id), code=303)


def _with_a_colleague(desk: Desk, callback: Callback) -> str:
    return render_template(
        "console/handed.html",
        title=gettext("Booked"),
        name=callback_notifier.agent_name(desk.session, callback.agent_id),
        at=callback.starts_at,
        clock=desk.clock,
        live=False,
    )


def _match(desk: Desk, typed: Typed) -> Match:
    """Whom the first step names; the second carries it along, so nothing of a customer does."""
    purpose = lookup_purposes.read(typed["purpose"])
    who, policy = desk.principal, ctx().policy
    return customer_lookup.find(desk.session, who, typed["find"], purpose, policy, desk.moment)


def _whom(typed: Typed, errors: dict[str, str]) -> str:
    return render_template(
        "console/book_whom.html",
        asked=typed.get("find", ""),
        purpose=typed.get("purpose", ""),
        purposes=labels.purposes(),
        errors=errors,
    )


def _details(
    desk: Desk,
    match: Match,
    typed: Typed,
    errors: dict[str, str],
    slots: Sequence[datetime] | None = None,
) -> str:
    zone = booking_form.zone_of(match, typed)
    if slots is None:
        callee = Callee(zone, match.customer.id if match.customer else None)
        need = booking_form.need_of(desk, match, typed)
        slots = time_picker.free(
            desk, callee, booking_form.length_of(typed), typed["on"], need=need
        )
    return render_template(
        "console/book_details.html",
        match=match,
        typed={**typed, "timezone": typed["timezone"] or zone},
        errors=errors,
        offers=time_picker.offers(desk, zone, slots),
        zone=zone,
        clock=desk.clock,
        now=desk.moment,
        key=booking_form.key_for(typed, errors),
        locales=locales(ctx().policy.languages, select()),
        zones=zones(),
        others=bool(callback_history.colleagues(desk.session, desk.principal.id)),
        products=skills.known(desk.session, PRODUCT),
    )
