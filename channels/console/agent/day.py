"""An agent's own day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from flask import render_template, request
from flask.typing import ResponseReturnValue

from channels.console import labels
from channels.console.staff_request import StaffRequest, bp, staff_page
from channels.time_format import read_date
from people.models import Role
from scheduling import callbacks
from scheduling.booking import callback_reference
from scheduling.calendars import local_time
from scheduling.callbacks import CallbackSummary
from scheduling.states import LIVE_STATES, CallbackState


@bp.get("/day")
@staff_page(Role.AGENT)
def show_own_day(desk: StaffRequest) -> ResponseReturnValue:
    """Show the callbacks of ``?on=`` (default: today) in the agent's time zone."""
    today = desk.clock.local_date_of(desk.moment)
    wanted = request.args.get("on", "")
    on = read_date(wanted, "on") if wanted else today
    since, until = local_time.local_day_bounds(on, desk.zone)
    appointments = callbacks.list_day_callbacks(
        desk.session, desk.principal.id, since, until, desk.moment
    )
    return render_template(
        "console/day.html",
        on=on,
        today=today,
        days=_adjacent_days(on),
        appointments=appointments,
        following=find_next_callback(appointments, desk.moment),
        clock=desk.clock,
        words=labels,
        reference=callback_reference.format_callback_reference,
    )


def _adjacent_days(on: date) -> tuple[date, date]:
    return on - timedelta(days=1), on + timedelta(days=1)


def find_next_callback(found: Sequence[CallbackSummary], moment: datetime) -> UUID | None:
    """Return the id of the live call, or of the next callback; its row is highlighted."""
    live = [callback.id for callback in found if callback.state in LIVE_STATES]
    coming = [
        callback.id
        for callback in found
        if callback.state is CallbackState.BOOKED and callback.ends_at > moment
    ]
    return next(iter(live + coming), None)
