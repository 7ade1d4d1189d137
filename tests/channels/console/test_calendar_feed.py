"""An agent's calendar at a secret address."""

from __future__ import annotations

import re
from datetime import timedelta

from icalendar import Calendar
from sqlmodel import select

from people.models import Staff
from people.staff import staff_status
from scheduling.booking import callback_reference
from scheduling.models import CalendarFeed

ADDRESS = re.compile(r'/calendar/([^"]+)\.ics"')
PERSONAL = ("Gwen", "Jones", "123456", "router", "T-1001", "+44")


def make(tab) -> str:
    answer = tab.post("/staff/calendar")
    assert answer.status_code == 200
    return f"/calendar/{ADDRESS.search(answer.text)[1]}.ics"


def test_the_calendar_holds_times_and_references_and_nothing_of_a_customer(console):
    ana, tab = console.agent()
    ben = console.member("ben@example.org")
    made = console.callback(ana, minutes_ahead=60)
    console.callback(ben, phone="+447400123457")
    answer = console.tab().get(make(tab))
    assert answer.status_code == 200
    assert answer.mimetype == "text/calendar"
    assert [item for item in PERSONAL if item in answer.text] == []
    (event,) = Calendar.from_ical(answer.data).walk("VEVENT")
    assert event["SUMMARY"] == f"Callback {callback_reference.format_callback_reference(made)}"
    assert event.decoded("dtend") - event.decoded("dtstart") == timedelta(minutes=15)
    assert event["STATUS"] == "CONFIRMED"


def test_a_move_and_a_cancellation_reach_the_calendar(console):
    ana, tab = console.agent()
    made = console.callback(ana, minutes_ahead=60)
    address = make(tab)
    page = tab.get(f"/staff/callback/{made}").text
    slot = re.search(r'id="slot2" value="([^"]+)"', page)[1]
    tab.post(f"/staff/callback/{made}/move", {"slot": slot})
    (event,) = Calendar.from_ical(console.tab().get(address).data).walk("VEVENT")
    assert event["SEQUENCE"] == 1
    tab.post(f"/staff/callback/{made}/cancel")
    (event,) = Calendar.from_ical(console.tab().get(address).data).walk("VEVENT")
    assert event["STATUS"] == "CANCELLED"


def test_the_secret_is_shown_once_kept_as_a_hash_and_ends(console):
    _, tab = console.agent()
    address = make(tab)
    secret = ADDRESS.search(address + '"')[1]
    assert secret not in tab.get("/staff/calendar").text
    with console.unit() as session:
        (row,) = session.exec(select(CalendarFeed))
        assert secret.encode() not in str(row).encode()
    other = make(tab)
    assert console.tab().get(address).status_code == 404
    assert console.tab().get(other).status_code == 200
    assert tab.post("/staff/calendar", {"end": "yes"}).status_code == 303
    assert console.tab().get(other).status_code == 404
    assert len(console.trail("feed.make")) == 2


def test_who_left_has_no_calendar(console):
    ana, tab = console.agent()
    address = make(tab)
    with console.unit() as session:
        staff_status.deactivate_staff_member(session, session.get_one(Staff, ana), console.now)
    assert console.tab().get(address).status_code == 404


def test_guessing_addresses_is_limited(console):
    tab = console.tab()
    answers = {tab.get(f"/calendar/{n}.ics").status_code for n in range(400)}
    assert answers == {404, 429}
