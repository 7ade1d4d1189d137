"""Teams, as supervisors set them up."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from channels.console.staff_request import Desk, pages, staff_page
from people.errors import InvalidInput
from people.models import Role
from scheduling.availability import agent_assignment
from scheduling.availability import teams as teams_of
from scheduling.availability.teams import Habits


@pages.get("/teams")
@staff_page(Role.SUPERVISOR)
def teams(desk: Desk) -> ResponseReturnValue:
    """All teams, and a form for another."""
    return _shown(desk)


@pages.post("/teams")
@staff_page(Role.SUPERVISOR)
def add_team(desk: Desk) -> ResponseReturnValue:
    """A new team."""
    try:
        teams_of.add(desk.session, _habits(), desk.principal.actor, desk.moment)
    except InvalidInput as error:
        return _shown(desk, "new", {error.field: str(error)}), 422
    return redirect(url_for("console.teams", saved=1), code=303)


@pages.post("/teams/<uuid:team_id>")
@staff_page(Role.SUPERVISOR)
def change_team(desk: Desk, team_id: UUID) -> ResponseReturnValue:
    """Set all of a team."""
    by = desk.principal.actor
    try:
        with desk.session.begin_nested():
            teams_of.change(desk.session, team_id, _habits(), by, desk.moment)
    except InvalidInput as error:
        return _shown(desk, str(team_id), {error.field: str(error)}), 422
    return redirect(url_for("console.teams", saved=1), code=303)


def _habits() -> Habits:
    form = request.form
    return Habits(
        name=form.get("name", "")[:200],
        capacity=_number("capacity") if form.get("capacity", "").strip() else None,
        buffer_before=_number("buffer_before"),
        buffer_after=_number("buffer_after"),
        holidays=form.get("holidays", "").strip()[:16],
        assignment=form.get("assignment", ""),
    )


def _number(field: str) -> int:
    text = request.form.get(field, "").strip() or "0"
    if not (text.isascii() and text.isdecimal() and len(text) < 6):
        raise InvalidInput(field, "Write a whole number.")
    return int(text)


def _shown(desk: Desk, at: str = "", errors: Mapping[str, str] | None = None) -> str:
    return render_template(
        "console/teams.html",
        teams=teams_of.every(desk.session),
        assignments=agent_assignment.ASSIGNMENTS,
        at=at,
        typed={name: value[:200] for name, value in request.form.items()},
        errors=errors or {},
        saved="saved" in request.args,
    )
