"""What a customer does with a booked call of theirs, and which calls there were."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from flask import Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from channels import display_text
from channels.app_context import ctx
from channels.locale_selection import select
from channels.time_format import read_instant
from channels.web.portal import calendar_file as own_calendar
from channels.web.portal.auth import Owner, own_page, pages
from channels.web.portal.slots import AHEAD, MOST, few
from people.errors import InvalidInput
from procedures import callback_refusal
from scheduling.availability import slot_search
from scheduling.availability.agent_availability import Callee
from scheduling.booking import bookings, customer_callbacks
from scheduling.booking.customer_callbacks import OwnCall
from scheduling.errors import SlotTaken
from scheduling.models import Callback
from scheduling.states import State
from vault.audit import audit_log


@pages.get("/call/<uuid:callback_id>")
@own_page
def call(owner: Owner, callback_id: UUID) -> ResponseReturnValue:
    """One callback; one of somebody else's is not found."""
    return _shown(owner, customer_callbacks.held(owner.session, owner.customer.id, callback_id))


def _call(owner: Owner, callback: Callback) -> OwnCall:
    return display_text.call(
        customer_callbacks.opened(owner.session, callback, owner.moment), select()
    )


def _shown(
    owner: Owner,
    callback: Callback,
    errors: Mapping[str, str] | None = None,
    times: list[datetime] | None = None,
) -> str:
    found = _call(owner, callback)
    if times is None and found.state is State.BOOKED:
        times = _free(owner, callback)
    return render_template(
        "own/call.html", call=found, times=times or [], errors=errors or {}, clock=owner.clock
    )


def _free(owner: Owner, callback: Callback) -> list[datetime]:
    customer = owner.customer
    found = slot_search.free_slots(
        owner.session,
        callback.agent_id,
        Callee(customer.timezone, customer.id),
        (owner.moment, owner.moment + AHEAD),
        callback.minutes,
        ctx().policy,
        owner.moment,
        MOST,
        callback.id,
    )
    return few(found, customer.timezone)


@pages.post("/call/<uuid:callback_id>/move")
@own_page
def move(owner: Owner, callback_id: UUID) -> ResponseReturnValue:
    """Another time, one of those offered."""
    callback = customer_callbacks.held(owner.session, owner.customer.id, callback_id, lock=True)
    try:
        starts_at = read_instant(request.form.get("starts_at", ""), "starts_at")
        with owner.session.begin_nested():
            bookings.move(
                owner.session, callback, starts_at, ctx().policy, owner.moment, audit_log.CUSTOMER
            )
    except SlotTaken as error:
        owner.session.refresh(callback)
        gone = gettext("Somebody else was faster. These times are free:")
        return _shown(owner, callback, {"starts_at": gone}, list(error.free_slots)), 409
    except InvalidInput:
        return _shown(owner, callback, {"starts_at": gettext("Choose one of these times:")}), 422
    return redirect(url_for("own.call", callback_id=callback_id), code=303)


@pages.route("/call/<uuid:callback_id>/refuse", methods=["GET", "POST"])
@own_page
def refuse(owner: Owner, callback_id: UUID) -> ResponseReturnValue:
    """The customer did not ask for this call: asked once more, then it is off and looked into."""
    locked = request.method == "POST"
    callback = customer_callbacks.held(owner.session, owner.customer.id, callback_id, lock=locked)
    if not locked:
        found = _call(owner, callback)
        return render_template("own/refuse.html", call=found, clock=owner.clock)
    reference = callback_refusal.refuse(owner.session, callback, "web", owner.moment)
    return render_template("own/refused.html", reference=reference)


@pages.post("/call/<uuid:callback_id>/cancel")
@own_page
def cancel(owner: Owner, callback_id: UUID) -> ResponseReturnValue:
    """The customer no longer needs it."""
    callback = customer_callbacks.held(owner.session, owner.customer.id, callback_id, lock=True)
    bookings.cancel(owner.session, callback, ctx().policy, owner.moment, audit_log.CUSTOMER)
    return redirect(url_for("own.enter", done="cancelled"), code=303)


@pages.post("/call/<uuid:callback_id>/earlier")
@own_page
def earlier(owner: Owner, callback_id: UUID) -> ResponseReturnValue:
    """Whether to be told of earlier times."""
    callback = customer_callbacks.held(owner.session, owner.customer.id, callback_id, lock=True)
    customer_callbacks.want_earlier(owner.session, callback, "wanted" in request.form, owner.moment)
    return redirect(url_for("own.call", callback_id=callback_id), code=303)


@pages.get("/call/<uuid:callback_id>/call.ics")
@own_page
def calendar_file(owner: Owner, callback_id: UUID) -> ResponseReturnValue:
    """The call for the customer's own calendar."""
    callback = customer_callbacks.held(owner.session, owner.customer.id, callback_id)
    found = _call(owner, callback)
    body = own_calendar.written(found, ctx().policy, owner.customer.timezone, owner.moment)
    headers = {"Content-Disposition": "attachment; filename=call.ics"}
    return Response(body, mimetype="text/calendar", headers=headers)


@pages.get("/calls")
@own_page
def calls(owner: Owner) -> ResponseReturnValue:
    """Was that you on Tuesday?"""
    found = customer_callbacks.past(owner.session, owner.customer.id, owner.moment)
    past = [display_text.call(each, select()) for each in found]
    return render_template("own/calls.html", calls=past, clock=owner.clock)
