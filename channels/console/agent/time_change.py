"""Another time for a callback: rescheduling a booked one, rebooking one that did not take place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from channels.app_context import current_context
from channels.console.agent import time_picker
from channels.console.agent.callback_page import render_callback_page
from channels.console.staff_request import StaffRequest, bp, staff_page
from channels.error_texts import describe_error
from people.errors import InvalidInput
from people.models import Role
from scheduling import callback_rows
from scheduling.booking import time_changes
from scheduling.calendars import local_time
from scheduling.errors import SlotTaken
from scheduling.models import Callback
from scheduling.policy import Policy

_TimeChange = Callable[[Session, Callback, datetime, Policy, datetime], object]


@bp.post("/callback/<uuid:callback_id>/move")
@staff_page(Role.AGENT)
def submit_callback_move(desk: StaffRequest, callback_id: UUID) -> ResponseReturnValue:
    """Reschedule the callback and notify the customer."""
    return _change_time(desk, callback_id, time_changes.reschedule_callback, anchor="call")


@bp.post("/callback/<uuid:callback_id>/revive")
@staff_page(Role.AGENT)
def submit_rebooking(desk: StaffRequest, callback_id: UUID) -> ResponseReturnValue:
    """Rebook a missed or cancelled callback and notify the customer."""
    return _change_time(desk, callback_id, time_changes.rebook_callback)


def _change_time(
    desk: StaffRequest, callback_id: UUID, change: _TimeChange, anchor: str | None = None
) -> ResponseReturnValue:
    """Apply ``change`` with the time chosen in the form; the page with the reason if it fails."""
    callback = callback_rows.get_recent_callback(
        desk.session, callback_id, desk.principal.id, desk.moment, lock=True
    )
    try:
        starts_at = time_picker.read_chosen_time(desk, request.form)
        with desk.session.begin_nested():
            change(desk.session, callback, starts_at, current_context().policy, desk.moment)
    except SlotTaken as error:
        desk.session.refresh(callback)
        return render_callback_page(
            desk, callback, {"starts_at": describe_error(error)}, error.free_slots
        ), 409
    except local_time.AmbiguousTime as error:
        return render_callback_page(
            desk, callback, {"starts_at": describe_error(error)}, error.instants
        ), 422
    except InvalidInput as error:
        desk.session.refresh(callback)
        return render_callback_page(desk, callback, {"starts_at": describe_error(error)}), 422
    page = url_for("console.show_callback_page", callback_id=callback_id, _anchor=anchor)
    return redirect(page, code=303)
