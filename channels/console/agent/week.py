"""An agent's own week: each day with its hours and callbacks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from flask import render_template, request
from flask.typing import ResponseReturnValue

from channels.app_context import ctx
from channels.console import hours_format, labels
from channels.console.staff_request import Desk, pages, staff_page
from channels.time_format import read_date
from people.models import Role
from scheduling import callbacks
from scheduling.availability import slot_search
from scheduling.availability.agent_availability import Callee
from scheduling.booking import callback_reference
from scheduling.calendars import local_time
from scheduling.callbacks import Row


@dataclass(frozen=True)
class Day:
    """A day: ``hours`` as text, empty for a day off."""

    on: date
    hours: str
    any_hour: bool
    appointments: list[Row]


@pages.get("/week")
@staff_page(Role.AGENT)
def week_of(desk: Desk) -> ResponseReturnValue:
    """The week of ``?on=``, this week's unless it is given, Monday first."""
    wanted = request.args.get("on", "")
    on = read_date(wanted, "on") if wanted else desk.clock.today(desk.moment)
    monday = on - timedelta(days=on.weekday())
    return render_template(
        "console/week.html",
        days=_days(desk, monday),
        today=desk.clock.today(desk.moment),
        before=monday - timedelta(days=7),
        after=monday + timedelta(days=7),
        clock=desk.clock,
        words=labels,
        reference=callback_reference.of,
    )


def _days(desk: Desk, monday: date) -> list[Day]:
    since, until = (
        local_time.day(monday, desk.zone)[0],
        local_time.day(monday + timedelta(6), desk.zone)[1],
    )
    me = desk.principal.id
    found = callbacks.day(desk.session, me, since, until, desk.moment)
    callee = Callee(desk.zone.key)
    habit = slot_search.rules_for(desk.session, [me], callee, ctx().policy, (since, until))[me]
    days = [monday + timedelta(days=n) for n in range(7)]
    return [
        Day(
            day,
            hours_format.write(sorted(habit.rules.on(day))),
            not habit.rules.hours and bool(habit.rules.on(day)),
            [each for each in found if desk.clock.today(each.starts_at) == day],
        )
        for day in days
    ]
