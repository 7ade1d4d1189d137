"""A supervisor's team: how much each agent has to do today, and their weekly hours."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from babel.dates import get_day_names
from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from channels.console import hours_format
from channels.console.staff_request import Desk, pages, staff_page
from incidents.cases import visibility
from incidents.response import approval_types
from people.errors import InvalidInput
from people.models import Role
from scheduling.availability import team_overview as team_of
from scheduling.calendars import working_hours

_DAYS = range(7)


@pages.get("/team")
@staff_page(Role.SUPERVISOR)
def team(desk: Desk) -> ResponseReturnValue:
    """The agents, by first name; no customer in it."""
    return _shown(desk)


@pages.post("/team/<uuid:staff_id>/hours")
@staff_page(Role.SUPERVISOR)
def set_hours(desk: Desk, staff_id: UUID) -> ResponseReturnValue:
    """Set an agent's whole week, or say by day what cannot be read."""
    texts = {day: request.form.get(f"day{day}", "")[:200] for day in _DAYS}
    member = team_of.agent(desk.session, staff_id)
    read: dict[int, list[tuple[int, int]]] = {}
    errors: dict[int, str] = {}
    for day, text in texts.items():
        try:
            read[day] = hours_format.read(text, f"day{day}")
        except InvalidInput as error:
            errors[day] = str(error)
    if errors:
        return _shown(desk, staff_id, texts, errors), 422
    working_hours.replace(desk.session, member.id, read, desk.principal.actor, desk.moment)
    return redirect(url_for("console.team", saved=staff_id, _anchor=f"a{staff_id}"), code=303)


def _shown(
    desk: Desk,
    at: UUID | None = None,
    texts: Mapping[int, str] | None = None,
    errors: Mapping[int, str] | None = None,
) -> str:
    me = desk.principal.id
    hidden = approval_types.suspensions_hidden(desk.session, me)
    suspended = team_of.suspended(desk.session, desk.moment)
    return render_template(
        "console/team.html",
        agents=team_of.agents(desk.session, desk.moment, hidden),
        days=get_day_names("wide", locale=desk.clock.locale),
        write=hours_format.write,
        at=at,
        texts=texts or {},
        errors=errors or {},
        saved=request.args.get("saved", ""),
        today=desk.clock.day(desk.clock.today(desk.moment)),
        suspended=[each for each in suspended if each[0] not in hidden],
        stuck=visibility.without_investigator(desk.session, me),
    )
