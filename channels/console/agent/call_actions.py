"""An agent's actions on a callback. Each is one POST that redirects to the callback page."""

from __future__ import annotations

from uuid import UUID

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from channels.app_context import current_context
from channels.console.agent.callback_page import render_callback_page
from channels.console.staff_request import StaffRequest, bp, staff_page
from people.errors import InvalidInput
from people.models import Role
from scheduling import callback_rows
from scheduling.booking import cancellations
from verification import bridged_calls, call_end, issued_codes


def _redirect_to_callback_page(callback_id: UUID) -> ResponseReturnValue:
    return redirect(
        url_for("console.show_callback_page", callback_id=callback_id, _anchor="call"), code=303
    )


@bp.post("/callback/<uuid:callback_id>/start")
@staff_page(Role.AGENT)
def submit_call_start(desk: StaffRequest, callback_id: UUID) -> ResponseReturnValue:
    """Start the call. Sending this twice starts it once."""
    callback = callback_rows.get_recent_callback(
        desk.session, callback_id, desk.principal.id, desk.moment
    )
    bridged_calls.start_bridged_call(desk.session, callback, current_context().policy, desk.moment)
    return _redirect_to_callback_page(callback_id)


@bp.post("/callback/<uuid:callback_id>/ring")
@staff_page(Role.AGENT)
def submit_ring_again(desk: StaffRequest, callback_id: UUID) -> ResponseReturnValue:
    """Dial the customer again after a bridged call that did not reach them."""
    callback = callback_rows.get_recent_callback(
        desk.session, callback_id, desk.principal.id, desk.moment
    )
    bridged_calls.redial_customer(desk.session, callback, desk.moment)
    return _redirect_to_callback_page(callback_id)


@bp.post("/callback/<uuid:callback_id>/code")
@staff_page(Role.AGENT)
def submit_new_code(desk: StaffRequest, callback_id: UUID) -> ResponseReturnValue:
    """Issue a new code, which invalidates the old one."""
    callback = callback_rows.get_recent_callback(
        desk.session, callback_id, desk.principal.id, desk.moment
    )
    issued_codes.reissue_code(desk.session, callback, current_context().policy, desk.moment)
    return _redirect_to_callback_page(callback_id)


@bp.post("/callback/<uuid:callback_id>/end")
@staff_page(Role.AGENT)
def submit_call_end(desk: StaffRequest, callback_id: UUID) -> ResponseReturnValue:
    """End the call with its outcome."""
    callback = callback_rows.get_recent_callback(
        desk.session, callback_id, desk.principal.id, desk.moment
    )
    try:
        call_end.end_call(
            desk.session,
            callback,
            request.form.get("outcome", ""),
            current_context().policy,
            desk.moment,
        )
    except InvalidInput:
        return render_callback_page(
            desk, callback, {"outcome": gettext("Choose how the call went.")}
        ), 422
    return _redirect_to_callback_page(callback_id)


@bp.post("/callback/<uuid:callback_id>/cancel")
@staff_page(Role.AGENT)
def submit_cancellation(desk: StaffRequest, callback_id: UUID) -> ResponseReturnValue:
    """Cancel the callback and notify the customer."""
    callback = callback_rows.get_recent_callback(
        desk.session, callback_id, desk.principal.id, desk.moment, lock=True
    )
    cancellations.cancel_booked_callback(
        desk.session, callback, current_context().policy, desk.moment
    )
    return _redirect_to_callback_page(callback_id)
