"""An agent's calendar feed (iCalendar, RFC 5545) for their own calendar program."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from icalendar import Calendar, Event
from werkzeug.exceptions import NotFound as NoSuchAddress

from channels.app_context import current_context, current_time, unit_of_work
from channels.client_network import request_network
from channels.console.staff_request import StaffRequest, bp, staff_page
from people.models import Role
from scheduling.booking import callback_reference
from scheduling.booking.call_window import call_window_end
from scheduling.calendars import calendar_feeds
from scheduling.calendars.calendar_feeds import FeedEntry
from scheduling.states import CallbackState

public_bp = Blueprint("feed", __name__)
_CANCELLED_STATES = (CallbackState.CANCELLED, CallbackState.REFUSED, CallbackState.MISSED)


@bp.get("/calendar")
@staff_page(Role.AGENT)
def show_calendar_feed(desk: StaffRequest) -> ResponseReturnValue:
    """Show whether there is a feed, and what it is for."""
    return _render_calendar_feed(desk, "")


@bp.post("/calendar")
@staff_page(Role.AGENT)
def submit_calendar_feed(desk: StaffRequest) -> ResponseReturnValue:
    """Create a new feed address, shown once, or revoke the current one."""
    if "end" in request.form:
        calendar_feeds.revoke_feed(desk.session, desk.principal.id, desk.moment)
        return redirect(url_for("console.show_calendar_feed"), code=303)
    token = calendar_feeds.create_feed(desk.session, desk.principal.id, desk.moment)
    return _render_calendar_feed(desk, f"{current_context().base_url}/calendar/{token}.ics")


def _render_calendar_feed(desk: StaffRequest, address: str) -> str:
    feed = calendar_feeds.find_active_feed(desk.session, desk.principal.id)
    return render_template("console/feed.html", found=feed, address=address, clock=desk.clock)


@public_bp.get("/calendar/<token>.ics")
def serve_calendar_feed(token: str) -> Response:
    """Serve the calendar that belongs to the secret token. Answer 404 for any other token."""
    current_context().limiter.count_hit("feed_address", request_network())
    with unit_of_work() as session:
        entries = calendar_feeds.read_feed_entries(session, token[:100], current_time())
    if entries is None:
        raise NoSuchAddress
    calendar = Calendar()
    calendar.add("prodid", "-//Vouchline//Vouchline//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    for entry in entries:
        calendar.add_component(_build_feed_event(entry))
    return current_app.response_class(calendar.to_ical(), mimetype="text/calendar")


def _build_feed_event(entry: FeedEntry) -> Event:
    """Build an event with only times and a reference, since the address may leak."""
    event = Event()
    event.add("uid", f"{entry.id}@vouchline")
    event.add("sequence", entry.moves)
    event.add("dtstamp", current_time())
    event.add("dtstart", entry.starts_at)
    event.add("dtend", call_window_end(entry.starts_at, entry.minutes))
    event.add("status", "CANCELLED" if entry.state in _CANCELLED_STATES else "CONFIRMED")
    event.add("summary", f"Callback {callback_reference.format_callback_reference(entry.id)}")
    return event
