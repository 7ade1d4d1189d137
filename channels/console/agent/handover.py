"""Handing a callback over to a colleague."""

from __future__ import annotations

from uuid import UUID

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from channels.app_context import current_context
from channels.console.agent.callback_page import render_callback_page
from channels.console.staff_request import StaffRequest, bp, staff_page
from channels.error_texts import describe_error
from people.customers import access_budgets
from people.errors import InvalidInput
from people.models import Role
from scheduling import callback_rows
from scheduling.errors import OutsideWindow, SlotTaken, WrongState
from scheduling.notifications import callback_notifier
from scheduling.states import LIVE_STATES
from verification import live_handover


@bp.post("/callback/<uuid:callback_id>/hand-over")
@staff_page(Role.AGENT)
def submit_handover(desk: StaffRequest, callback_id: UUID) -> ResponseReturnValue:
    """Hand the callback over to a colleague. From then on only they can open it."""
    access_budgets.lock_staff_budget(desk.session, desk.principal.id)
    callback = callback_rows.get_recent_callback(
        desk.session, callback_id, desk.principal.id, desk.moment
    )
    try:
        to = UUID(request.form.get("agent", ""))
    except ValueError:
        return render_callback_page(desk, callback, {"agent": gettext("Choose a colleague.")}), 422
    live = callback.state in LIVE_STATES
    try:
        with desk.session.begin_nested():
            live_handover.hand_over_call(
                desk.session, callback, to, current_context().policy, desk.moment
            )
    except SlotTaken:
        desk.session.refresh(callback)
        return render_callback_page(
            desk, callback, {"agent": gettext("This colleague has no time then.")}
        ), 409
    except (InvalidInput, WrongState, OutsideWindow) as error:
        desk.session.refresh(callback)
        return render_callback_page(desk, callback, {"agent": describe_error(error)}), 422
    name = callback_notifier.agent_first_name(desk.session, to)
    return render_template(
        "console/handover_done.html",
        title=gettext("Handed over"),
        name=name,
        at=callback.starts_at,
        clock=desk.clock,
        live=live,
    )
