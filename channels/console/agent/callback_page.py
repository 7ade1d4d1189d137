"""The page of one callback: customer, time, topic, script, and the next action."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import render_template, request
from flask.typing import ResponseReturnValue

from channels.app_context import current_context
from channels.console import labels
from channels.console.agent import time_picker
from channels.console.agent.delivery_status import DeliveryStatus, describe_delivery_status
from channels.console.staff_request import StaffRequest, bp, staff_page
from messaging import call_queue, delivery_reports, outbox
from messaging.call_states import OVER_STATES, CallState
from people import phone_numbers
from people.models import Role
from scheduling import callback_rows, callbacks
from scheduling.availability.agent_availability import Callee
from scheduling.booking import call_window, callback_history, callback_reference
from scheduling.callbacks import CallbackDetails
from scheduling.models import Callback
from scheduling.states import LIVE_STATES, TRANSITIONS, CallbackState
from verification import bridged_calls, call_status, codes, issued_codes
from verification.call_status import CallStatus
from verification.open_codes import MAX_TRIES

_FORM_FIELDS = ("slot", "on", "at", "agent", "number", "why")


@bp.get("/callback/<uuid:callback_id>")
@staff_page(Role.AGENT)
def show_callback_page(desk: StaffRequest, callback_id: UUID) -> ResponseReturnValue:
    """Show a callback assigned to the agent. Any other is not found."""
    callback = callback_rows.get_recent_callback(
        desk.session, callback_id, desk.principal.id, desk.moment
    )
    return render_callback_page(desk, callback)


def render_callback_page(
    desk: StaffRequest,
    callback: Callback,
    errors: Mapping[str, str] | None = None,
    slots: Sequence[datetime] | None = None,
) -> str:
    """Render the page; each view is audited. ``errors`` are by field, after an invalid form."""
    details = callbacks.read_callback(desk.session, callback, desk.moment, "card")
    live = call_status.call_status(desk.session, callback)
    policy = current_context().policy
    zone = details.customer.timezone
    if slots is None:
        slots = _find_other_free_times(desk, details)
    return render_template(
        "console/card.html",
        call=details,
        live=live,
        code=_code_to_read_out(desk, callback, live),
        number=_number_to_dial(details),
        phone_call=_load_phone_call_state(desk, callback),
        told=_latest_delivery_status(desk, callback),
        opens=call_window.call_window_start(details.starts_at, policy.window_lead_minutes),
        moment=desk.moment,
        over=desk.moment >= details.ends_at,
        waits=_number_hold_until(desk, details),
        max_tries=MAX_TRIES,
        offers=time_picker.build_time_offers(desk, zone, slots),
        typed={field: request.form.get(field, "")[:300] for field in _FORM_FIELDS},
        errors=errors or {},
        clock=desk.clock,
        words=labels,
        still="still" in request.args,
        reference=callback_reference.format_callback_reference(details.id),
        history=callback_history.load_callback_history(desk.session, callback),
        colleagues=_list_handover_choices(desk, details),
        revivable=CallbackState.BOOKED in TRANSITIONS[details.state]
        and bool(details.customer.name),
    )


def _number_hold_until(desk: StaffRequest, found: CallbackDetails) -> datetime | None:
    """Return until when nobody is called because the customer's number was changed; None if not
    held."""
    until = found.number_waits_until
    return until if until is not None and desk.moment < until else None


def _list_handover_choices(desk: StaffRequest, found: CallbackDetails) -> list[tuple[str, str]]:
    """Return (id, first name) of the colleagues who could take the call over."""
    if found.state not in (CallbackState.BOOKED, CallbackState.STARTED):
        return []
    return callback_history.list_handover_candidates(desk.session, desk.principal.id)


def _number_to_dial(found: CallbackDetails) -> str:
    """Return the number the agent must dial; empty if the call is not live or is bridged."""
    if found.state not in LIVE_STATES or current_context().policy.bridge_calls:
        return ""
    return phone_numbers.format_phone(found.customer.phone)


@dataclass(frozen=True)
class PhoneCallState:
    """The state of a bridged call. ``live`` means that the code may be read out."""

    state: str
    words: str
    why: str
    live: bool
    over: bool
    can_ring_again: bool


def _load_phone_call_state(desk: StaffRequest, callback: Callback) -> PhoneCallState | None:
    call = call_queue.find_latest_call(desk.session, callback.id)
    if call is None:
        return None
    state = CallState(call.state)
    return PhoneCallState(
        state,
        labels.describe_call_state(state),
        labels.describe_call_error(call.error),
        state is CallState.LIVE,
        state in OVER_STATES,
        bridged_calls.can_redial(call),
    )


def _latest_delivery_status(desk: StaffRequest, callback: Callback) -> DeliveryStatus:
    message = outbox.find_latest_message(desk.session, callback.id)
    return describe_delivery_status(
        message, delivery_reports.find_delivery_report(desk.session, message)
    )


def _find_other_free_times(desk: StaffRequest, found: CallbackDetails) -> list[datetime]:
    """Return free slots to offer, if the callback can still be rescheduled."""
    if CallbackState.BOOKED not in (found.state, *TRANSITIONS[found.state]):
        return []
    callee = Callee(found.customer.timezone, found.customer.id)
    return time_picker.find_free_times(desk, callee, found.minutes, but=found.id)


def _code_to_read_out(desk: StaffRequest, callback: Callback, live: CallStatus) -> str:
    """Return the code in groups while it is valid; empty before the call and once confirmed."""
    if live.state is not CallbackState.STARTED or live.valid_until is None:
        return ""
    if desk.moment >= live.valid_until:
        return ""
    return codes.format_code(issued_codes.current_code(desk.session, callback, desk.moment).code)
