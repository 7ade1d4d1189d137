"""An agent's own week: each day with its working hours and callbacks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from flask import render_template, request
from flask.typing import ResponseReturnValue

from channels.app_context import current_context
from channels.console import hours_format, labels
from channels.console.staff_request import StaffRequest, bp, staff_page
from channels.time_format import read_date
from people.models import Role
from scheduling import callbacks
from scheduling.availability import slot_search
from scheduling.availability.agent_availability import Callee
from scheduling.booking import callback_reference
from scheduling.calendars import local_time
from scheduling.callbacks import CallbackSummary


@dataclass(frozen=True)
class AgentDay:
    """One day; ``hours`` as text, empty for a day off."""

    on: date
    hours: str
    any_hour: bool
    appointments: list[CallbackSummary]


@bp.get("/week")
@staff_page(Role.AGENT)
def show_own_week(desk: StaffRequest) -> ResponseReturnValue:
    """Show the week of ``?on=`` (default: the current week), beginning on Monday."""
    wanted = request.args.get("on", "")
    on = read_date(wanted, "on") if wanted else desk.clock.local_date_of(desk.moment)
    monday = on - timedelta(days=on.weekday())
    return render_template(
        "console/week.html",
        days=_build_week_days(desk, monday),
        today=desk.clock.local_date_of(desk.moment),
        before=monday - timedelta(days=7),
        after=monday + timedelta(days=7),
        clock=desk.clock,
        words=labels,
        reference=callback_reference.format_callback_reference,
    )


def _build_week_days(desk: StaffRequest, monday: date) -> list[AgentDay]:
    since, until = (
        local_time.local_day_bounds(monday, desk.zone)[0],
        local_time.local_day_bounds(monday + timedelta(6), desk.zone)[1],
    )
    me = desk.principal.id
    appointments = callbacks.list_day_callbacks(desk.session, me, since, until, desk.moment)
    callee = Callee(desk.zone.key)
    habit = slot_search.load_slot_rules(
        desk.session, [me], callee, current_context().policy, (since, until)
    )[me]
    days = [monday + timedelta(days=n) for n in range(7)]
    return [
        AgentDay(
            day,
            hours_format.format_hours(sorted(habit.rules.working_hours_on(day))),
            not habit.rules.hours and bool(habit.rules.working_hours_on(day)),
            [
                appointment
                for appointment in appointments
                if desk.clock.local_date_of(appointment.starts_at) == day
            ],
        )
        for day in days
    ]
