"""Coverage at a glance: how much of the agents' time is taken, hour by hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from channels.app_context import ctx
from channels.console import labels
from channels.console.staff_request import Desk, pages, staff_page
from channels.time_format import read_date
from people.models import Role
from scheduling.availability import coverage as coverage_of
from scheduling.availability import teams
from scheduling.availability.coverage import Hour
from scheduling.states import Outcome, State

#: The picture in units of its view box: a column for each hour, drawn upwards from the ground.
COLUMN, HEIGHT = 12, 60


@dataclass(frozen=True)
class DayCovered:
    """A day; ``most`` is the longest bar of the week, in minutes."""

    on: date
    hours: list[Hour]
    most: int

    def bar(self, minutes: int) -> float:
        """How high a bar of so many minutes is."""
        return round(HEIGHT * minutes / max(1, self.most), 1)

    @property
    def works(self) -> bool:
        """Whether anybody is at work."""
        return any(each.working for each in self.hours)

    @property
    def share(self) -> int:
        """How much of the working time is taken, in per cent."""
        working = sum(each.working for each in self.hours)
        return round(100 * sum(each.taken for each in self.hours) / working) if working else 0


@pages.get("/coverage")
@staff_page(Role.SUPERVISOR)
def coverage(desk: Desk) -> ResponseReturnValue:
    """The week of ``?on=``, for the team of ``?team=`` or for all agents."""
    wanted = request.args.get("on", "")
    on = read_date(wanted, "on") if wanted else desk.clock.today(desk.moment)
    monday = on - timedelta(days=on.weekday())
    team_id = _team(request.args.get("team", ""))
    days = [
        (day, coverage_of.of_day(desk.session, team_id, day, desk.zone, ctx().policy))
        for day in (monday + timedelta(days=n) for n in range(7))
    ]
    most = max((max(h.working, h.taken) for _, hours in days for h in hours), default=0)
    return render_template(
        "console/coverage.html",
        days=[DayCovered(day, hours, most) for day, hours in days],
        teams=teams.every(desk.session),
        team_id=team_id,
        before=monday - timedelta(days=7),
        after=monday + timedelta(days=7),
        monday=monday,
        outcomes=coverage_of.outcomes(desk.session, desk.moment),
        named=_named,
        clock=desk.clock,
        column=COLUMN,
        height=HEIGHT,
    )


def _team(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _named(value: str) -> str:
    """An outcome, or the state that a call ended in."""
    if value in set(Outcome):
        return labels.outcome(value)
    return labels.state(State(value)) if value in set(State) else gettext("Other")
