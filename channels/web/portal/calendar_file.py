"""A call as a calendar file (RFC 5545)."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from flask_babel import gettext
from icalendar import Calendar, Event

from scheduling.booking.customer_callbacks import CustomerCallback
from scheduling.policy import Policy
from scheduling.states import CallbackState

_CANCELLED_STATES = (CallbackState.CANCELLED, CallbackState.REFUSED, CallbackState.MISSED)


def write_calendar_file(call: CustomerCallback, policy: Policy, zone: str, now: datetime) -> bytes:
    """Write the file in the customer's zone, so that it stays right if the zone's rules change. A
    file downloaded after a move replaces the earlier one."""
    starts_at = call.starts_at.astimezone(ZoneInfo(zone))
    event = Event()
    event.add("uid", f"{call.id}@vouchline")
    event.add("sequence", call.moves)
    event.add("dtstamp", now)
    event.add("dtstart", starts_at)
    event.add("dtend", starts_at + timedelta(minutes=call.minutes))
    event.add("status", "CANCELLED" if call.state in _CANCELLED_STATES else "CONFIRMED")
    event.add(
        "summary",
        gettext("%(organisation)s rings you", organisation=policy.organisation),
    )
    event.add("description", _event_description(call, policy))
    calendar = Calendar()
    calendar.add("prodid", "-//Vouchline//Vouchline//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    calendar.add_missing_timezones()
    return bytes(calendar.to_ical())


def _event_description(call: CustomerCallback, policy: Policy) -> str:
    return gettext(
        "%(agent)s rings you about %(topic)s. First the caller tells you a check number. We never"
        " ask you for one. No check number? Hang up. Our number: %(phone)s",
        agent=call.agent,
        topic=call.topic,
        phone=policy.official_phone,
    )
