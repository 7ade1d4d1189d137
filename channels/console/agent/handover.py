"""A callback goes to a colleague, or comes back to life."""

from __future__ import annotations

from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from channels.app_context import ctx
from channels.console.agent import time_picker
from channels.console.agent.callback_page import show
from channels.console.staff_request import Desk, pages, staff_page
from people.customers import access_budgets
from people.errors import InvalidInput
from people.models import Role
from scheduling import callbacks
from scheduling.booking import bookings
from scheduling.calendars import local_time
from scheduling.errors import OutsideWindow, SlotTaken, WrongState
from scheduling.notifications import callback_notifier
from scheduling.states import LIVE
from verification import live_handover


@pages.post("/callback/<uuid:callback_id>/hand-over")
@staff_page(Role.AGENT)
def hand_over(desk: Desk, callback_id: UUID) -> ResponseReturnValue:
    """Give it to a colleague; from then on it is theirs alone."""
    access_budgets.take_turn(desk.session, desk.principal.id)
    callback = callbacks.held_lately(desk.session, callback_id, desk.principal.id, desk.moment)
    try:
        to = UUID(request.form.get("agent", ""))
    except ValueError:
        return show(desk, callback, {"agent": "Choose a colleague."}), 422
    live = callback.state in LIVE
    try:
        with desk.session.begin_nested():
            live_handover.hand_over(desk.session, callback, to, ctx().policy, desk.moment)
    except SlotTaken:
        desk.session.refresh(callback)
        return show(desk, callback, {"agent": "This colleague has no time then."}), 409
    except (InvalidInput, WrongState, OutsideWindow) as error:
        desk.session.refresh(callback)
        return show(desk, callback, {"agent": str(error)}), 422
    name = callback_notifier.agent_name(desk.session, to)
    return render_template(
        "console/handed.html",
        title=gettext("Handed over"),
        name=name,
        at=callback.starts_at,
        clock=desk.clock,
        live=live,
    )


@pages.post("/callback/<uuid:callback_id>/revive")
@staff_page(Role.AGENT)
def revive(desk: Desk, callback_id: UUID) -> ResponseReturnValue:
    """Book a missed or cancelled callback anew, and tell the customer."""
    callback = callbacks.held_lately(
        desk.session, callback_id, desk.principal.id, desk.moment, lock=True
    )
    try:
        starts_at = time_picker.chosen(desk, request.form)
        with desk.session.begin_nested():
            bookings.revive(desk.session, callback, starts_at, ctx().policy, desk.moment)
    except SlotTaken as error:
        desk.session.refresh(callback)
        return show(desk, callback, {"starts_at": str(error)}, error.free_slots), 409
    except local_time.Repeated as error:
        return show(desk, callback, {"starts_at": str(error)}, error.instants), 422
    except InvalidInput as error:
        desk.session.refresh(callback)
        return show(desk, callback, {"starts_at": str(error)}), 422
    return redirect(url_for("console.card", callback_id=callback_id), code=303)
