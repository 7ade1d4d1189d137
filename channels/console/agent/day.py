"""An agent's own day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from flask import render_template, request
from flask.typing import ResponseReturnValue

from channels.console import labels
from channels.console.staff_request import Desk, pages, staff_page
from channels.time_format import read_date
from people.models import Role
from scheduling import callbacks
from scheduling.booking import callback_reference
from scheduling.calendars import local_time
from scheduling.callbacks import Row
from scheduling.states import LIVE, State


@pages.get("/day")
@staff_page(Role.AGENT)
def day(desk: Desk) -> ResponseReturnValue:
    """The callbacks of ``?on=``, today's unless it is given, on the agent's clock."""
    today = desk.clock.today(desk.moment)
    wanted = request.args.get("on", "")
    on = read_date(wanted, "on") if wanted else today
    since, until = local_time.day(on, desk.zone)
    found = callbacks.day(desk.session, desk.principal.id, since, until, desk.moment)
    return render_template(
        "console/day.html",
        on=on,
        today=today,
        days=_around(on),
        appointments=found,
        following=next_up(found, desk.moment),
        clock=desk.clock,
        words=labels,
        reference=callback_reference.of,
    )


def _around(on: date) -> tuple[date, date]:
    return on - timedelta(days=1), on + timedelta(days=1)


def next_up(found: Sequence[Row], moment: datetime) -> UUID | None:
    """The call going on, or else the next to be made; its row stands out."""
    live = [each.id for each in found if each.state in LIVE]
    coming = [each.id for each in found if each.state is State.BOOKED and each.ends_at > moment]
    return next(iter(live + coming), None)
