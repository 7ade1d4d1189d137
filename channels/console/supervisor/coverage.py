"""Coverage: how much of the agents' working time is booked, by hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from channels.app_context import current_context
from channels.console import labels
from channels.console.staff_request import StaffRequest, bp, staff_page
from channels.time_format import read_date
from people.models import Role
from scheduling.availability import coverage as coverage_of
from scheduling.availability import teams
from scheduling.availability.coverage import HourlyLoad
from scheduling.states import CallbackState, CallOutcome

#: Size of the chart in units of its view box: the width of an hour's column, and the height.
COLUMN, HEIGHT = 12, 60


@dataclass(frozen=True)
class DayCoverage:
    """One day; ``most`` is the longest bar of the week, in minutes."""

    on: date
    hours: list[HourlyLoad]
    most: int

    def height_for_minutes(self, minutes: int) -> float:
        """Return the height of a bar in units of the view box."""
        return round(HEIGHT * minutes / max(1, self.most), 1)

    @property
    def works(self) -> bool:
        """Whether any agent works on this day."""
        return any(hour.working for hour in self.hours)

    @property
    def share(self) -> int:
        """The booked share of the working time, in per cent."""
        working = sum(hour.working for hour in self.hours)
        return round(100 * sum(hour.taken for hour in self.hours) / working) if working else 0


@bp.get("/coverage")
@staff_page(Role.SUPERVISOR)
def show_coverage(desk: StaffRequest) -> ResponseReturnValue:
    """Show the week of ``?on=``, for the team of ``?team=`` or for all agents."""
    wanted = request.args.get("on", "")
    on = read_date(wanted, "on") if wanted else desk.clock.local_date_of(desk.moment)
    monday = on - timedelta(days=on.weekday())
    team_id = _parse_team_choice(request.args.get("team", ""))
    days = [
        (
            day,
            coverage_of.load_by_hour(
                desk.session, team_id, day, desk.zone, current_context().policy
            ),
        )
        for day in (monday + timedelta(days=n) for n in range(7))
    ]
    most = max((max(h.working, h.taken) for _, hours in days for h in hours), default=0)
    return render_template(
        "console/coverage.html",
        days=[DayCoverage(day, hours, most) for day, hours in days],
        teams=teams.list_teams(desk.session),
        team_id=team_id,
        before=monday - timedelta(days=7),
        after=monday + timedelta(days=7),
        monday=monday,
        outcomes=coverage_of.count_outcomes_by_country(desk.session, desk.moment),
        named=_describe_outcome_or_state,
        clock=desk.clock,
        column=COLUMN,
        height=HEIGHT,
    )


def _parse_team_choice(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _describe_outcome_or_state(value: str) -> str:
    """Return the label of an outcome, or of the state that a call ended in."""
    if value in set(CallOutcome):
        return labels.describe_call_outcome(value)
    return (
        labels.describe_callback_state(CallbackState(value))
        if value in set(CallbackState)
        else gettext("Other")
    )
