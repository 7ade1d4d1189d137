"""What an agent does with a callback. Each act is one POST, and leads back to the card."""

from __future__ import annotations

from uuid import UUID

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from channels.app_context import ctx
from channels.console.agent import time_picker
from channels.console.agent.callback_page import show
from channels.console.staff_request import Desk, pages, staff_page
from people.errors import InvalidInput
from people.models import Role
from scheduling import callbacks
from scheduling.booking import bookings
from scheduling.calendars import local_time
from scheduling.errors import SlotTaken
from verification import bridged_calls, call_session


def _to_card(callback_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("console.card", callback_id=callback_id, _anchor="call"), code=303)


@pages.post("/callback/<uuid:callback_id>/start")
@staff_page(Role.AGENT)
def start(desk: Desk, callback_id: UUID) -> ResponseReturnValue:
    """Start the call. Pressed twice, it starts once."""
    callback = callbacks.held_lately(desk.session, callback_id, desk.principal.id, desk.moment)
    bridged_calls.start(desk.session, callback, ctx().policy, desk.moment)
    return _to_card(callback_id)


@pages.post("/callback/<uuid:callback_id>/ring")
@staff_page(Role.AGENT)
def ring_again(desk: Desk, callback_id: UUID) -> ResponseReturnValue:
    """Ring once more after a bridged call that missed the customer."""
    callback = callbacks.held_lately(desk.session, callback_id, desk.principal.id, desk.moment)
    bridged_calls.ring_again(desk.session, callback, desk.moment)
    return _to_card(callback_id)


@pages.post("/callback/<uuid:callback_id>/code")
@staff_page(Role.AGENT)
def new_code(desk: Desk, callback_id: UUID) -> ResponseReturnValue:
    """A new code, which kills the old."""
    callback = callbacks.held_lately(desk.session, callback_id, desk.principal.id, desk.moment)
    call_session.reissue(desk.session, callback, ctx().policy, desk.moment)
    return _to_card(callback_id)


@pages.post("/callback/<uuid:callback_id>/end")
@staff_page(Role.AGENT)
def end(desk: Desk, callback_id: UUID) -> ResponseReturnValue:
    """End the call with its outcome."""
    callback = callbacks.held_lately(desk.session, callback_id, desk.principal.id, desk.moment)
    try:
        call_session.end(
            desk.session, callback, request.form.get("outcome", ""), ctx().policy, desk.moment
        )
    except InvalidInput:
        return show(desk, callback, {"outcome": "Choose how the call went."}), 422
    return _to_card(callback_id)


@pages.post("/callback/<uuid:callback_id>/move")
@staff_page(Role.AGENT)
def move(desk: Desk, callback_id: UUID) -> ResponseReturnValue:
    """Another time, and the customer is told."""
    callback = callbacks.held_lately(
        desk.session, callback_id, desk.principal.id, desk.moment, lock=True
    )
    try:
        starts_at = time_picker.chosen(desk, request.form)
        with desk.session.begin_nested():
            bookings.move(desk.session, callback, starts_at, ctx().policy, desk.moment)
    except SlotTaken as error:
        desk.session.refresh(callback)
        return show(desk, callback, {"starts_at": str(error)}, error.free_slots), 409
    except local_time.Repeated as error:
        return show(desk, callback, {"starts_at": str(error)}, error.instants), 422
    except InvalidInput as error:
        return show(desk, callback, {"starts_at": str(error)}), 422
    return _to_card(callback_id)


@pages.post("/callback/<uuid:callback_id>/cancel")
@staff_page(Role.AGENT)
def cancel(desk: Desk, callback_id: UUID) -> ResponseReturnValue:
    """Call it off, and the customer is told."""
    callback = callbacks.held_lately(
        desk.session, callback_id, desk.principal.id, desk.moment, lock=True
    )
    bookings.cancel(desk.session, callback, ctx().policy, desk.moment)
    return _to_card(callback_id)
