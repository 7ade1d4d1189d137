"""An agent's calendar for their own calendar program."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from icalendar import Calendar, Event
from werkzeug.exceptions import NotFound as NoSuchAddress

from channels.app_context import ctx, now, unit
from channels.client_network import request_network
from channels.console.staff_request import Desk, pages, staff_page
from people.models import Role
from scheduling.booking import callback_reference
from scheduling.booking.call_window import closes
from scheduling.calendars import calendar_feeds
from scheduling.calendars.calendar_feeds import Entry
from scheduling.states import State

public = Blueprint("feed", __name__)
_OFF = (State.CANCELLED, State.REFUSED, State.MISSED)


@pages.get("/calendar")
@staff_page(Role.AGENT)
def feed(desk: Desk) -> ResponseReturnValue:
    """Whether there is an address, and what it is for."""
    return _shown(desk, "")


@pages.post("/calendar")
@staff_page(Role.AGENT)
def make_feed(desk: Desk) -> ResponseReturnValue:
    """A new address, shown this once; or the end of the one there is."""
    if "end" in request.form:
        calendar_feeds.end(desk.session, desk.principal.id, desk.moment)
        return redirect(url_for("console.feed"), code=303)
    token = calendar_feeds.make(desk.session, desk.principal.id, desk.moment)
    return _shown(desk, f"{ctx().base_url}/calendar/{token}.ics")


def _shown(desk: Desk, address: str) -> str:
    found = calendar_feeds.current(desk.session, desk.principal.id)
    return render_template("console/feed.html", found=found, address=address, clock=desk.clock)


@public.get("/calendar/<token>.ics")
def calendar_file(token: str) -> Response:
    """The calendar of that secret; anything else is not found."""
    ctx().limiter.hit("feed_address", request_network())
    with unit() as session:
        entries = calendar_feeds.read(session, token[:100], now())
    if entries is None:
        raise NoSuchAddress
    calendar = Calendar()
    calendar.add("prodid", "-//Vouchline//Vouchline//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    for each in entries:
        calendar.add_component(_event(each))
    return current_app.response_class(calendar.to_ical(), mimetype="text/calendar")


def _event(entry: Entry) -> Event:
    """Nothing but when, and a reference: the address may come into wrong hands."""
    event = Event()
    event.add("uid", f"{entry.id}@vouchline")
    event.add("sequence", entry.moves)
    event.add("dtstamp", now())
    event.add("dtstart", entry.starts_at)
    event.add("dtend", closes(entry.starts_at, entry.minutes))
    event.add("status", "CANCELLED" if entry.state in _OFF else "CONFIRMED")
    event.add("summary", f"Callback {callback_reference.of(entry.id)}")
    return event
