"""Members of staff and their roles, for supervisors: what they ask for here, another approves."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from channels.app_context import ctx
from channels.console import approval_labels
from channels.console.staff_request import Desk, pages, staff_page
from incidents.response import approval_types
from people.errors import AskedAlready, InvalidInput, NotFound
from people.models import Role, Staff
from people.staff import staff_approvals, staff_records, suspension
from procedures import role_change

_FIELDS = ("email", "name", "role", "why", "why_role")


@pages.get("/people")
@staff_page(Role.SUPERVISOR)
def people(desk: Desk) -> ResponseReturnValue:
    """Everybody at work here, by name."""
    return _shown(desk)


def _shown(desk: Desk, errors: Mapping[str, str] | None = None, link: str = "") -> str:
    hidden = approval_types.suspensions_hidden(desk.session, desk.principal.id)
    return render_template(
        "console/people.html",
        people=staff_records.at_work(desk.session, hidden),
        suspended=[
            (staff_records.name_of(desk.session, each.id, each.name), each)
            for each in suspension.suspended(desk.session)
            if each.id not in hidden
        ],
        clock=desk.clock,
        me=desk.principal.id,
        roles=[(each.value, approval_labels.role(each)) for each in Role],
        errors=errors or {},
        typed={name: request.form.get(name, "")[:300] for name in _FIELDS},
        link=link,
        words=approval_labels,
    )


@pages.post("/people")
@staff_page(Role.SUPERVISOR)
def ask_to_add(desk: Desk) -> ResponseReturnValue:
    """Ask for a new member of staff; shows their link, which works once somebody has approved."""
    form = {name: request.form.get(name, "")[:300] for name in _FIELDS}
    zone = ctx().policy.default_zone
    try:
        made = staff_approvals.ask_to_add(
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
        return _shown(desk, {error.field: str(error)}), 422
    except AskedAlready:  # answered in here, so that the look-up stays written down
        return redirect(url_for("console.approvals", done="already"), code=303)
    path = url_for("console.enrolment", token=made.token)
    return _shown(desk, link=f"{ctx().base_url}{path}")


@pages.post("/people/<uuid:staff_id>/role")
@staff_page(Role.SUPERVISOR)
def ask_for_role(desk: Desk, staff_id: UUID) -> ResponseReturnValue:
    """Ask for another role for somebody."""
    member = desk.session.get(Staff, staff_id)
    if member is None or not member.active:
        raise NotFound("There is no such member of staff.")
    role, why = request.form.get("role", ""), request.form.get("why_role", "")[:1000]
    try:
        role_change.ask(desk.session, member, role, why, desk.principal.id, desk.moment)
    except InvalidInput as error:
        return _shown(desk, {f"{error.field}-{staff_id}": str(error)}), 422
    return redirect(url_for("console.approvals", done="asked"), code=303)
