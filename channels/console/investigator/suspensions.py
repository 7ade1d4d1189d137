"""Suspended members of staff, and requests to lift a suspension once its case is closed."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from channels.console import approval_labels
from channels.console.staff_request import StaffRequest, bp, staff_page
from channels.error_texts import describe_error
from incidents.response import response_requests
from people.errors import InvalidInput
from people.models import Role
from people.staff import staff_records


@bp.get("/suspended")
@staff_page(Role.INVESTIGATOR)
def show_suspensions(desk: StaffRequest) -> ResponseReturnValue:
    """List the suspensions, except those in a case that also names the reader."""
    return _render_suspensions(desk, {})


@bp.post("/suspended/<uuid:staff_id>/lift")
@staff_page(Role.INVESTIGATOR)
def submit_lift_request(desk: StaffRequest, staff_id: UUID) -> ResponseReturnValue:
    """Request that a suspension be lifted. A second person approves it."""
    why = request.form.get("why", "")[:1000]
    try:
        with desk.session.begin_nested():
            response_requests.request_lift_outside_case(
                desk.session, desk.principal.id, staff_id, why, desk.moment
            )
    except InvalidInput as error:
        return _render_suspensions(desk, {f"why-{staff_id}": describe_error(error)}), 422
    return redirect(url_for("console.show_approvals", done="asked"), code=303)


def _render_suspensions(desk: StaffRequest, errors: Mapping[str, str]) -> str:
    members = response_requests.list_visible_suspensions(desk.session, desk.principal.id)
    return render_template(
        "console/suspended.html",
        people=[
            (member, staff_records.open_staff_name(desk.session, member.id, member.name))
            for member in members
        ],
        errors=errors,
        typed=request.form.get("why", "")[:300],
        words=approval_labels,
        clock=desk.clock,
    )
