"""The card of one callback: who, when, what about, the script, and the one thing to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import render_template, request
from flask.typing import ResponseReturnValue

from channels.app_context import ctx
from channels.console import labels
from channels.console.agent import time_picker
from channels.console.agent.delivery_status import Told, told
from channels.console.staff_request import Desk, pages, staff_page
from messaging import call_queue, delivery_reports, outbox
from messaging.call_states import OVER, CallState
from people import phone_numbers
from people.models import Role
from scheduling import callbacks
from scheduling.availability.agent_availability import Callee
from scheduling.booking import call_window, callback_history, callback_reference
from scheduling.callbacks import Appointment
from scheduling.models import Callback
from scheduling.states import LIVE, MOVES, State
from verification import bridged_calls, call_session, codes
from verification.call_session import MAX_TRIES, Live

_TYPED = ("slot", "on", "at", "agent", "number", "why")


@pages.get("/callback/<uuid:callback_id>")
@staff_page(Role.AGENT)
def card(desk: Desk, callback_id: UUID) -> ResponseReturnValue:
    """A callback that the agent holds; any other is not found."""
    callback = callbacks.held_lately(desk.session, callback_id, desk.principal.id, desk.moment)
    return show(desk, callback)


def show(
    desk: Desk,
    callback: Callback,
    errors: Mapping[str, str] | None = None,
    slots: Sequence[datetime] | None = None,
) -> str:
    """The card, read and written down; with ``errors`` by field after a form that did not do."""
    found = callbacks.open_one(desk.session, callback, desk.moment, "card")
    live = call_session.live(desk.session, callback)
    policy = ctx().policy
    zone = found.customer.timezone
    if slots is None:
        slots = _free(desk, found)
    return render_template(
        "console/card.html",
        call=found,
        live=live,
        code=_code(desk, callback, live),
        number=_number(found),
        phone_call=_phone_call(desk, callback),
        told=_told(desk, callback),
        opens=call_window.opens(found.starts_at, policy.window_lead_minutes),
        moment=desk.moment,
        over=desk.moment >= found.ends_at,
        waits=_waits(desk, found),
        max_tries=MAX_TRIES,
        offers=time_picker.offers(desk, zone, slots),
        typed={field: request.form.get(field, "")[:300] for field in _TYPED},
        errors=errors or {},
        clock=desk.clock,
        words=labels,
        still="still" in request.args,
        reference=callback_reference.of(found.id),
        history=callback_history.of(desk.session, callback),
        colleagues=_colleagues(desk, found),
        revivable=State.BOOKED in MOVES[found.state] and bool(found.customer.name),
    )


def _waits(desk: Desk, found: Appointment) -> datetime | None:
    """Until when nobody is rung, since the customer's number was changed."""
    until = found.number_waits_until
    return until if until is not None and desk.moment < until else None


def _colleagues(desk: Desk, found: Appointment) -> list[tuple[str, str]]:
    """Who could make the call instead: ids and first names."""
    if found.state not in (State.BOOKED, State.STARTED):
        return []
    return callback_history.colleagues(desk.session, desk.principal.id)


def _number(found: Appointment) -> str:
    """The customer's number, for whoever must dial it: nobody, where we bridge the call."""
    if found.state not in LIVE or ctx().policy.bridge_calls:
        return ""
    return phone_numbers.displayed(found.customer.phone)


@dataclass(frozen=True)
class PhoneState:
    """A bridged call on the card: ``live`` says whether the code may be read out."""

    state: str
    words: str
    why: str
    live: bool
    over: bool
    can_ring_again: bool


def _phone_call(desk: Desk, callback: Callback) -> PhoneState | None:
    call = call_queue.latest(desk.session, callback.id)
    if call is None:
        return None
    state = CallState(call.state)
    return PhoneState(
        state,
        labels.call(state),
        labels.call_error(call.error),
        state is CallState.LIVE,
        state in OVER,
        bridged_calls.can_ring_again(call),
    )


def _told(desk: Desk, callback: Callback) -> Told:
    message = outbox.latest_for(desk.session, callback.id)
    return told(message, delivery_reports.of(desk.session, message))


def _free(desk: Desk, found: Appointment) -> list[datetime]:
    """Other times to offer, while the call can still be moved."""
    if State.BOOKED not in (found.state, *MOVES[found.state]):
        return []
    callee = Callee(found.customer.timezone, found.customer.id)
    return time_picker.free(desk, callee, found.minutes, but=found.id)


def _code(desk: Desk, callback: Callback, live: Live) -> str:
    """The code in groups while it is to be read out; once confirmed, nobody needs it again."""
    if live.state is not State.STARTED or live.valid_until is None:
        return ""
    if desk.moment >= live.valid_until:
        return ""
    return codes.grouped(call_session.shown(desk.session, callback, desk.moment).code)
