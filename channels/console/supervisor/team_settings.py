"""Team settings, for supervisors."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from channels.console.staff_request import StaffRequest, bp, staff_page
from channels.error_codes import ChannelErrorCode
from channels.error_texts import describe_error
from people.errors import InvalidInput
from people.models import Role
from scheduling.availability import agent_assignment
from scheduling.availability import teams as teams_of
from scheduling.availability.teams import TeamSettings


@bp.get("/teams")
@staff_page(Role.SUPERVISOR)
def show_team_settings(desk: StaffRequest) -> ResponseReturnValue:
    """List the teams, with a form to add one."""
    return _render_team_settings(desk)


@bp.post("/teams")
@staff_page(Role.SUPERVISOR)
def add_team(desk: StaffRequest) -> ResponseReturnValue:
    """Add a team."""
    try:
        teams_of.create_team(desk.session, _read_team_settings(), desk.principal.actor, desk.moment)
    except InvalidInput as error:
        return _render_team_settings(desk, "new", {error.field: describe_error(error)}), 422
    return redirect(url_for("console.show_team_settings", saved=1), code=303)


@bp.post("/teams/<uuid:team_id>")
@staff_page(Role.SUPERVISOR)
def change_team(desk: StaffRequest, team_id: UUID) -> ResponseReturnValue:
    """Update all settings of a team."""
    by = desk.principal.actor
    try:
        with desk.session.begin_nested():
            teams_of.update_team(desk.session, team_id, _read_team_settings(), by, desk.moment)
    except InvalidInput as error:
        return _render_team_settings(desk, str(team_id), {error.field: describe_error(error)}), 422
    return redirect(url_for("console.show_team_settings", saved=1), code=303)


def _read_team_settings() -> TeamSettings:
    form = request.form
    return TeamSettings(
        name=form.get("name", "")[:200],
        capacity=_read_whole_number("capacity") if form.get("capacity", "").strip() else None,
        buffer_before=_read_whole_number("buffer_before"),
        buffer_after=_read_whole_number("buffer_after"),
        holidays=form.get("holidays", "").strip()[:16],
        assignment=form.get("assignment", ""),
    )


def _read_whole_number(field: str) -> int:
    text = request.form.get(field, "").strip() or "0"
    if not (text.isascii() and text.isdecimal() and len(text) < 6):
        raise InvalidInput(field, ChannelErrorCode.NUMBER_NOT_WHOLE)
    return int(text)


def _render_team_settings(
    desk: StaffRequest, at: str = "", errors: Mapping[str, str] | None = None
) -> str:
    return render_template(
        "console/teams.html",
        teams=teams_of.list_teams(desk.session),
        assignments=agent_assignment.ASSIGNMENTS,
        at=at,
        typed={name: value[:200] for name, value in request.form.items()},
        errors=errors or {},
        saved="saved" in request.args,
    )
