"""The team overview: each agent's workload today, and their weekly hours."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from babel.dates import get_day_names
from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from channels.console import hours_format
from channels.console.staff_request import StaffRequest, bp, staff_page
from channels.error_texts import describe_error
from incidents.cases import visibility
from incidents.response import response_requests
from people.errors import InvalidInput
from people.models import Role
from scheduling.availability import team_overview as team_of
from scheduling.calendars import working_hours

_DAYS = range(7)


@bp.get("/team")
@staff_page(Role.SUPERVISOR)
def show_team_overview(desk: StaffRequest) -> ResponseReturnValue:
    """List the agents by first name. No customer data is shown."""
    return _render_team_overview(desk)


@bp.post("/team/<uuid:staff_id>/hours")
@staff_page(Role.SUPERVISOR)
def set_weekly_hours(desk: StaffRequest, staff_id: UUID) -> ResponseReturnValue:
    """Replace an agent's weekly hours, or show the errors by day."""
    texts = {day: request.form.get(f"day{day}", "")[:200] for day in _DAYS}
    member = team_of.lock_agent(desk.session, staff_id)
    hours: dict[int, list[tuple[int, int]]] = {}
    errors: dict[int, str] = {}
    for day, text in texts.items():
        try:
            hours[day] = hours_format.parse_hours(text, f"day{day}")
        except InvalidInput as error:
            errors[day] = describe_error(error)
    if errors:
        return _render_team_overview(desk, staff_id, texts, errors), 422
    working_hours.replace_working_hours(
        desk.session, member.id, hours, desk.principal.actor, desk.moment
    )
    return redirect(
        url_for("console.show_team_overview", saved=staff_id, _anchor=f"a{staff_id}"), code=303
    )


def _render_team_overview(
    desk: StaffRequest,
    at: UUID | None = None,
    texts: Mapping[int, str] | None = None,
    errors: Mapping[int, str] | None = None,
) -> str:
    me = desk.principal.id
    hidden = response_requests.list_hidden_suspensions(desk.session, me)
    suspended = team_of.list_suspended_agents(desk.session, desk.moment)
    return render_template(
        "console/team.html",
        agents=team_of.list_team_agents(desk.session, desk.moment, hidden),
        days=get_day_names("wide", locale=desk.clock.locale),
        write=hours_format.format_hours,
        at=at,
        texts=texts or {},
        errors=errors or {},
        saved=request.args.get("saved", ""),
        today=desk.clock.format_day(desk.clock.local_date_of(desk.moment)),
        suspended=[agent for agent in suspended if agent[0] not in hidden],
        stuck=visibility.count_unworkable_cases(desk.session, me),
    )
