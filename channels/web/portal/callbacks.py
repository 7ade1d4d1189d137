"""What customers can do with their booked calls, and the list of their past calls."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from flask import Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from channels import display_text
from channels.app_context import current_context
from channels.locale_selection import select_locale
from channels.time_format import read_instant
from channels.web.portal import calendar_file as own_calendar
from channels.web.portal.auth import CustomerRequest, bp, customer_required
from channels.web.portal.slots import BOOKING_HORIZON, MAX_FREE_SLOTS, spread_out_times
from people.errors import InvalidInput
from procedures import callback_refusal
from scheduling.availability import slot_search
from scheduling.availability.agent_availability import Callee
from scheduling.booking import cancellations, customer_callbacks, time_changes
from scheduling.booking.customer_callbacks import CustomerCallback
from scheduling.errors import SlotTaken
from scheduling.models import Callback
from scheduling.states import CallbackState
from vault.audit import audit_log


@bp.get("/call/<uuid:callback_id>")
@customer_required
def show_portal_callback(owner: CustomerRequest, callback_id: UUID) -> ResponseReturnValue:
    """Show one callback of the customer; any other is not found."""
    return _render_portal_callback(
        owner, customer_callbacks.get_own_callback(owner.session, owner.customer.id, callback_id)
    )


def _open_portal_callback(owner: CustomerRequest, callback: Callback) -> CustomerCallback:
    return display_text.sanitise_callback(
        customer_callbacks.read_own_callback(owner.session, callback, owner.moment), select_locale()
    )


def _render_portal_callback(
    owner: CustomerRequest,
    callback: Callback,
    errors: Mapping[str, str] | None = None,
    times: list[datetime] | None = None,
) -> str:
    details = _open_portal_callback(owner, callback)
    if times is None and details.state is CallbackState.BOOKED:
        times = _portal_free_slots(owner, callback)
    return render_template(
        "portal/call.html", call=details, times=times or [], errors=errors or {}, clock=owner.clock
    )


def _portal_free_slots(owner: CustomerRequest, callback: Callback) -> list[datetime]:
    customer = owner.customer
    slots = slot_search.find_free_slots(
        owner.session,
        callback.agent_id,
        Callee(customer.timezone, customer.id),
        (owner.moment, owner.moment + BOOKING_HORIZON),
        callback.minutes,
        current_context().policy,
        owner.moment,
        MAX_FREE_SLOTS,
        callback.id,
    )
    return spread_out_times(slots, customer.timezone)


@bp.post("/call/<uuid:callback_id>/move")
@customer_required
def submit_portal_move(owner: CustomerRequest, callback_id: UUID) -> ResponseReturnValue:
    """Move the call to another of the offered times."""
    callback = customer_callbacks.get_own_callback(
        owner.session, owner.customer.id, callback_id, lock=True
    )
    try:
        starts_at = read_instant(request.form.get("starts_at", ""), "starts_at")
        with owner.session.begin_nested():
            time_changes.reschedule_callback(
                owner.session,
                callback,
                starts_at,
                current_context().policy,
                owner.moment,
                audit_log.CUSTOMER,
            )
    except SlotTaken as error:
        owner.session.refresh(callback)
        gone = gettext("Somebody else was faster. These times are free:")
        return _render_portal_callback(
            owner, callback, {"starts_at": gone}, list(error.free_slots)
        ), 409
    except InvalidInput:
        return _render_portal_callback(
            owner, callback, {"starts_at": gettext("Choose one of these times:")}
        ), 422
    return redirect(url_for("own.show_portal_callback", callback_id=callback_id), code=303)


@bp.route("/call/<uuid:callback_id>/refuse", methods=["GET", "POST"])
@customer_required
def submit_portal_refusal(owner: CustomerRequest, callback_id: UUID) -> ResponseReturnValue:
    """Refuse a call that the customer did not ask for: ask for confirmation, then cancel and report
    it."""
    confirmed = request.method == "POST"
    callback = customer_callbacks.get_own_callback(
        owner.session, owner.customer.id, callback_id, lock=confirmed
    )
    if not confirmed:
        details = _open_portal_callback(owner, callback)
        return render_template("portal/refuse.html", call=details, clock=owner.clock)
    reference = callback_refusal.refuse_and_report(owner.session, callback, "web", owner.moment)
    return render_template("portal/refused.html", reference=reference)


@bp.post("/call/<uuid:callback_id>/cancel")
@customer_required
def submit_portal_cancellation(owner: CustomerRequest, callback_id: UUID) -> ResponseReturnValue:
    """Cancel a call that the customer no longer needs."""
    callback = customer_callbacks.get_own_callback(
        owner.session, owner.customer.id, callback_id, lock=True
    )
    cancellations.cancel_booked_callback(
        owner.session, callback, current_context().policy, owner.moment, audit_log.CUSTOMER
    )
    return redirect(url_for("own.show_portal_home", done="cancelled"), code=303)


@bp.post("/call/<uuid:callback_id>/earlier")
@customer_required
def set_earlier_times_wish(owner: CustomerRequest, callback_id: UUID) -> ResponseReturnValue:
    """Set whether the customer is offered earlier times."""
    callback = customer_callbacks.get_own_callback(
        owner.session, owner.customer.id, callback_id, lock=True
    )
    customer_callbacks.set_wants_earlier(
        owner.session, callback, "wanted" in request.form, owner.moment
    )
    return redirect(url_for("own.show_portal_callback", callback_id=callback_id), code=303)


@bp.get("/call/<uuid:callback_id>/call.ics")
@customer_required
def download_calendar_file(owner: CustomerRequest, callback_id: UUID) -> ResponseReturnValue:
    """Download the call for the customer's own calendar."""
    callback = customer_callbacks.get_own_callback(owner.session, owner.customer.id, callback_id)
    details = _open_portal_callback(owner, callback)
    body = own_calendar.write_calendar_file(
        details, current_context().policy, owner.customer.timezone, owner.moment
    )
    headers = {"Content-Disposition": "attachment; filename=call.ics"}
    return Response(body, mimetype="text/calendar", headers=headers)


@bp.get("/calls")
@customer_required
def show_past_callbacks(owner: CustomerRequest) -> ResponseReturnValue:
    """List past calls, so that the customer can tell whether a call was ours."""
    past_calls = customer_callbacks.list_past_calls(owner.session, owner.customer.id, owner.moment)
    past = [display_text.sanitise_callback(call, select_locale()) for call in past_calls]
    return render_template("portal/calls.html", calls=past, clock=owner.clock)
