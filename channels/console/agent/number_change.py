"""A request to change a customer's number, made on the callback page."""

from __future__ import annotations

from uuid import UUID

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from channels.app_context import current_context
from channels.console.agent.callback_page import render_callback_page
from channels.console.staff_request import StaffRequest, bp, staff_page
from channels.error_texts import describe_error
from people import phone_numbers
from people.errors import InvalidInput
from people.models import Role
from procedures import number_change
from scheduling import callback_rows


@bp.post("/callback/<uuid:callback_id>/number")
@staff_page(Role.AGENT)
def submit_number_change(desk: StaffRequest, callback_id: UUID) -> ResponseReturnValue:
    """Ask a supervisor to approve a new number."""
    callback = callback_rows.get_recent_callback(
        desk.session, callback_id, desk.principal.id, desk.moment
    )
    typed, why, policy = (
        request.form.get("number", ""),
        request.form.get("why", ""),
        current_context().policy,
    )
    try:
        phone = phone_numbers.parse_phone(typed[:100], policy.default_region)
        number_change.request_number_change(
            desk.session, callback, phone, why[:1000], policy, desk.moment
        )
    except InvalidInput as error:
        field = "number" if error.field == "phone" else error.field
        return render_callback_page(desk, callback, {field: describe_error(error)}), 422
    return redirect(url_for("console.show_approvals", done="asked"), code=303)
