"""A new link for a colleague who has lost password or phone: one asks here, another approves."""

from __future__ import annotations

from uuid import UUID

from flask import render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from channels.app_context import ctx
from channels.console.staff_request import Desk, pages, staff_page
from people.models import Role
from people.staff import reset_links


@pages.get("/colleagues")
@staff_page(Role.SUPERVISOR, Role.INVESTIGATOR)
def colleagues(desk: Desk) -> ResponseReturnValue:
    """List the colleagues whose link they may ask for. Nobody can ask for their own."""
    return _shown(desk)


@pages.post("/colleagues/<uuid:staff_id>/link")
@staff_page(Role.SUPERVISOR, Role.INVESTIGATOR)
def make_link(desk: Desk, staff_id: UUID) -> ResponseReturnValue:
    """Show the link, only this once. It works after somebody else has approved it."""
    desk.require_proof()
    maker = desk.principal
    why = gettext("Password or phone is lost, or the first link ran out.")
    token = reset_links.make(desk.session, maker.id, maker.role, staff_id, why, desk.moment)
    path = url_for("console.enrolment", token=token)
    return _shown(desk, staff_id, f"{ctx().base_url}{path}")


def _shown(desk: Desk, at: UUID | None = None, link: str = "") -> str:
    maker = desk.principal
    return render_template(
        "console/colleagues.html",
        people=reset_links.colleagues(desk.session, maker.id, maker.role),
        at=at,
        link=link,
    )
