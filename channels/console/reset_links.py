"""Reset links for colleagues who lost their password or phone. A second person approves each."""

from __future__ import annotations

from uuid import UUID

from flask import render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from channels.app_context import current_context
from channels.console.staff_request import StaffRequest, bp, staff_page
from people.models import Role
from people.staff import reset_links


@bp.get("/colleagues")
@staff_page(Role.SUPERVISOR, Role.INVESTIGATOR)
def show_reset_links(desk: StaffRequest) -> ResponseReturnValue:
    """List the colleagues this person may request a link for. Nobody can request their own."""
    return _render_reset_links(desk)


@bp.post("/colleagues/<uuid:staff_id>/link")
@staff_page(Role.SUPERVISOR, Role.INVESTIGATOR)
def issue_reset_link(desk: StaffRequest, staff_id: UUID) -> ResponseReturnValue:
    """Show the link, once. It works after another person has approved it."""
    desk.require_reauthentication()
    maker = desk.principal
    why = gettext("Password or phone is lost, or the first link ran out.")
    token = reset_links.request_reset_link(
        desk.session, maker.id, maker.role, staff_id, why, desk.moment
    )
    path = url_for("console.show_enrolment", token=token)
    return _render_reset_links(desk, staff_id, f"{current_context().base_url}{path}")


def _render_reset_links(desk: StaffRequest, at: UUID | None = None, link: str = "") -> str:
    maker = desk.principal
    return render_template(
        "console/colleagues.html",
        people=reset_links.list_resettable_staff(desk.session, maker.id, maker.role),
        at=at,
        link=link,
    )
