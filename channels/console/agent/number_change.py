"""A customer's new number, asked for by the agent on whose card they are."""

from __future__ import annotations

from uuid import UUID

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from channels.app_context import ctx
from channels.console.agent.callback_page import show
from channels.console.staff_request import Desk, pages, staff_page
from people import phone_numbers
from people.errors import InvalidInput
from people.models import Role
from procedures import number_change
from scheduling import callbacks


@pages.post("/callback/<uuid:callback_id>/number")
@staff_page(Role.AGENT)
def ask_for_number(desk: Desk, callback_id: UUID) -> ResponseReturnValue:
    """Ask a supervisor to approve another number."""
    callback = callbacks.held_lately(desk.session, callback_id, desk.principal.id, desk.moment)
    typed, why, policy = request.form.get("number", ""), request.form.get("why", ""), ctx().policy
    try:
        phone = phone_numbers.parse(typed[:100], policy.default_region)
        number_change.ask(desk.session, callback, phone, why[:1000], policy, desk.moment)
    except InvalidInput as error:
        field = "number" if error.field == "phone" else error.field
        return show(desk, callback, {field: str(error)}), 422
    return redirect(url_for("console.approvals", done="asked"), code=303)
