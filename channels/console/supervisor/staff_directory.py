"""The staff directory and role changes, for supervisors. A second person approves each request."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from channels.app_context import current_context
from channels.console import approval_labels
from channels.console.staff_request import StaffRequest, bp, staff_page
from channels.error_codes import ChannelErrorCode
from channels.error_texts import describe_error
from incidents.response import response_requests
from people.errors import AlreadyRequested, InvalidInput, NotFound
from people.models import Role, Staff
from people.staff import staff_approvals, staff_records, suspension
from procedures import role_change

_FIELDS = ("email", "name", "role", "why", "why_role")


@bp.get("/people")
@staff_page(Role.SUPERVISOR)
def show_staff_directory(desk: StaffRequest) -> ResponseReturnValue:
    """List the active members of staff by name."""
    return _render_staff_directory(desk)


def _render_staff_directory(
    desk: StaffRequest, errors: Mapping[str, str] | None = None, link: str = ""
) -> str:
    hidden = response_requests.list_hidden_suspensions(desk.session, desk.principal.id)
    return render_template(
        "console/people.html",
        people=staff_records.list_active_staff(desk.session, hidden),
        suspended=[
            (staff_records.open_staff_name(desk.session, member.id, member.name), member)
            for member in suspension.list_suspended_staff(desk.session)
            if member.id not in hidden
        ],
        clock=desk.clock,
        me=desk.principal.id,
        roles=[(role.value, approval_labels.describe_role_capitalised(role)) for role in Role],
        errors=errors or {},
        typed={name: request.form.get(name, "")[:300] for name in _FIELDS},
        link=link,
        words=approval_labels,
    )


@bp.post("/people")
@staff_page(Role.SUPERVISOR)
def submit_new_staff_member(desk: StaffRequest) -> ResponseReturnValue:
    """Request a new member of staff and show their enrolment link, which works once approved."""
    form = {name: request.form.get(name, "")[:300] for name in _FIELDS}
    zone = current_context().policy.default_zone
    try:
        link = staff_approvals.request_new_staff_member(
            desk.session,
            form["email"],
            form["name"],
            form["role"],
            form["why"],
            desk.principal.id,
            desk.moment,
            timezone=zone,
        )
    except InvalidInput as error:
        return _render_staff_directory(desk, {error.field: describe_error(error)}), 422
    except AlreadyRequested:  # answered here, so that the look-up's audit entry is committed
        return redirect(url_for("console.show_approvals", done="already"), code=303)
    path = url_for("console.show_enrolment", token=link.token)
    return _render_staff_directory(desk, link=f"{current_context().base_url}{path}")


@bp.post("/people/<uuid:staff_id>/role")
@staff_page(Role.SUPERVISOR)
def submit_role_request(desk: StaffRequest, staff_id: UUID) -> ResponseReturnValue:
    """Request another role for a member of staff."""
    member = desk.session.get(Staff, staff_id)
    if member is None or not member.active:
        raise NotFound(ChannelErrorCode.MEMBER_NOT_FOUND)
    role, why = request.form.get("role", ""), request.form.get("why_role", "")[:1000]
    try:
        role_change.request_role_change(
            desk.session, member, role, why, desk.principal.id, desk.moment
        )
    except InvalidInput as error:
        return _render_staff_directory(
            desk, {f"{error.field}-{staff_id}": describe_error(error)}
        ), 422
    return redirect(url_for("console.show_approvals", done="asked"), code=303)
