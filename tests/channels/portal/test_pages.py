"""A customer's own page: entered by a proven number, shows their calls and no others."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from icalendar import Calendar
from sqlmodel import select

from incidents.reports.models import Report
from messaging.models import OutboxMessage
from people.models import Customer, CustomerSession
from scheduling import callback_rows
from scheduling.booking import bookings
from scheduling.booking.bookings import BookingRequest
from scheduling.models import Callback
from tests import databases, factories
from vault.models import AuditEntry

PHONE, OTHER = "+447400123456", "+447400123457"
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Browser:
    """A customer's browser."""

    def __init__(self, app, database) -> None:
        self.client, self.store = app.test_client(), databases.opened(database)
        self.page = self.client.get("/my").text

    def get(self, path: str, status: int = 200):
        answer = self.client.get(path)
        assert answer.status_code == status, answer.text
        self.page = answer.text if _TOKEN.search(answer.text) else self.page
        return answer

    def post(self, path: str, status: int = 303, **form: str):
        token = _TOKEN.search(self.page)
        answer = self.client.post(path, data={"csrf_token": token[1] if token else "", **form})
        assert answer.status_code == status, answer.text
        return answer

    def number(self) -> str:
        from vault.keys import field_encryption

        rows = self.store.all(select(OutboxMessage).where(OutboxMessage.kind == "proof"))
        row = max(rows, key=lambda each: each.id)
        with self.store.unit() as session:
            key = field_encryption.load_data_key(session, row.customer_id)
            return re.search(
                r"\d{4} \d{4}", key.open_field("outbox_message", "body", row.id, row.body)
            )[0]

    def enter(self, phone: str = PHONE):
        self.page = self.post("/my/number", 200, phone=phone, medium="text").text
        self.post("/my/prove", phone=phone, number=self.number())
        return self.get("/my")


@pytest.fixture
def people(store, clock, app):
    """Gwen with a call of tomorrow, and Heinz with one of his own, by the same agent."""
    with store.unit() as session:
        agent = factories.an_agent(session, clock.now)
        found = []
        for n, (phone, name) in enumerate(((PHONE, "Gwen Jones"), (OTHER, "Heinz Becker"))):
            who = factories.a_customer(session, clock.now, phone, name)
            at = (clock.now + timedelta(days=1, hours=n)).replace(minute=0, second=0, microsecond=0)
            wish = BookingRequest(at, 15, f"{name}s matter")
            found.append(
                bookings.book_callback(
                    session, who, agent.id, wish, factories.a_policy(), clock.now
                )
            )
        return found


@pytest.fixture
def gwen(app, database, people):
    browser = Browser(app, database)
    browser.enter()
    return browser


def kept(store, callback_id) -> Callback:
    return store.all(select(Callback).where(Callback.id == callback_id))[0]


def test_the_page_shows_ones_own_call_and_no_other(gwen):
    page = gwen.get("/my").text
    assert "Gwen Joness matter" in page
    assert "Heinz" not in page
    assert "Ana rings you" in page


def test_nobody_is_let_in_without_the_number(app, database, people):
    browser = Browser(app, database)
    assert "matter" not in browser.page
    for path in ("/my/calls", "/my/book", "/my/settings", f"/my/call/{people[0].id}"):
        assert browser.get(path, 303).location.startswith("/my")
    browser.page = browser.post("/my/number", 200, phone=PHONE).text
    wrong = factories.wrong(browser.number().replace(" ", ""))
    assert "does not open" in browser.post("/my/prove", 422, phone=PHONE, number=wrong).text
    assert "matter" not in browser.get("/my").text


def test_a_phone_that_we_do_not_know_is_answered_to_the_byte_alike(app, database, people):
    browser = Browser(app, database)

    def said(phone: str) -> list[str]:
        answers = [
            browser.post("/my/number", 200, phone=phone, medium="text").text,
            browser.post("/my/prove", 422, phone=phone, number="00000000").text,
        ]
        return [_TOKEN.sub("", answer).replace(phone, "PHONE") for answer in answers]

    assert said(PHONE) == said("+447400999999")


def test_somebody_elses_call_is_not_found_and_cannot_be_touched(gwen, store, people):
    his = people[1].id
    for path in (f"/my/call/{his}", f"/my/call/{uuid4()}", f"/my/call/{his}/call.ics"):
        gwen.get(path, 404)
    gwen.get("/my")
    for act in ("move", "cancel", "refuse", "earlier"):
        gwen.post(f"/my/call/{his}/{act}", 404, starts_at="2026-11-26T10:00:00+00:00", wanted="1")
    assert kept(store, his).state == "booked"
    assert kept(store, his).earlier_wanted_at is None


def test_a_forged_form_does_nothing(gwen, store, people):
    for path in (f"/my/call/{people[0].id}/cancel", "/my/book", "/my/settings", "/my/leave"):
        assert gwen.client.post(path, data={"topic": "x"}).status_code == 400
    assert kept(store, people[0].id).state == "booked"


def test_the_call_is_moved_to_a_time_that_is_offered(gwen, store, people):
    mine = people[0].id
    page = gwen.get(f"/my/call/{mine}").text
    times = re.findall(r'name="starts_at" value="([^"]+)"', page)
    assert len(times) == 5 * 6
    gwen.post(f"/my/call/{mine}/move", starts_at=times[3])
    assert kept(store, mine).starts_at.isoformat() == times[3]
    assert "It was booked for" in gwen.get(f"/my/call/{mine}").text
    moves = [e for e in store.all(select(AuditEntry)) if e.action == "callback.move"]
    assert [e.actor for e in moves] == ["customer"]


def test_a_time_that_was_taken_meanwhile_or_is_none_is_said_and_changes_nothing(
    gwen, store, people
):
    mine, before = people[0].id, people[0].starts_at
    gwen.get(f"/my/call/{mine}")
    taken = people[1].starts_at.isoformat()
    assert "faster" in gwen.post(f"/my/call/{mine}/move", 409, starts_at=taken).text
    for bad in ("", "tomorrow", "2026-11-25T10:00:00", "2020-01-01T00:00:00+00:00", "9" * 300):
        gwen.post(f"/my/call/{mine}/move", 422, starts_at=bad)
    assert kept(store, mine).starts_at == before


def test_refusing_is_asked_once_more_and_opens_a_report(gwen, store, people):
    mine = people[0].id
    assert "did not ask" in gwen.get(f"/my/call/{mine}/refuse").text
    assert kept(store, mine).state == "booked"
    page = gwen.post(f"/my/call/{mine}/refuse", 200).text
    (report,) = store.all(select(Report))
    assert (report.kind, report.callback_id, report.proven) == ("refused", mine, True)
    assert report.reference in page
    assert kept(store, mine).state == "refused"
    gwen.get("/my")
    gwen.post(f"/my/call/{mine}/refuse", 409)
    assert len(store.all(select(Report))) == 1


def test_calling_off_is_not_a_refusal(gwen, store, people):
    gwen.get("/my")
    answer = gwen.post(f"/my/call/{people[0].id}/cancel")
    assert "The call is off" in gwen.get(answer.location).text
    assert kept(store, people[0].id).state == "cancelled"
    assert store.all(select(Report)) == []


def test_a_call_is_booked_with_any_free_agent_and_three_at_the_most(gwen, store):
    for n in range(3):
        page = gwen.get("/my/book").text
        at = re.search(r'name="starts_at" value="([^"]+)"', page)[1]
        answer = gwen.post("/my/book", 303 if n < 2 else 422, topic="my card", starts_at=at)
    assert "three calls" in answer.text
    booked = [row for row in store.all(select(Callback)) if row.state == "booked"]
    assert len(booked) == 4
    for bad in ("", "www.evil.example", "x" * 41):
        gwen.post("/my/book", 422, topic=bad, starts_at=at)


def test_every_call_that_we_made_is_listed_and_nothing_else(app, gwen, store, clock, people):
    mine = people[0]
    clock.now = mine.starts_at
    with store.unit() as session:
        from verification import call_end, call_session

        held = callback_rows.lock_callback(session, mine.id)
        call_session.start_call(session, held, factories.a_policy(), clock.now)
        call_end.end_call(session, held, "no_answer", factories.a_policy(), clock.now)
    again = Browser(app, store.url)
    again.enter()
    page = again.get("/my/calls").text
    assert "was not from us" in page
    assert "We rang and did not reach you" in page
    assert "Heinz" not in page


def test_the_calendar_file_holds_the_time_in_the_customers_zone(gwen, people, store):
    mine = people[0]
    answer = gwen.get(f"/my/call/{mine.id}/call.ics")
    assert answer.mimetype == "text/calendar"
    found = Calendar.from_ical(answer.text)
    (event,) = found.walk("VEVENT")
    assert event["DTSTART"].params["TZID"] == "Europe/London"
    assert event.decoded("dtstart") == mine.starts_at
    assert event["SEQUENCE"] == 0
    assert [str(item["TZID"]) for item in found.walk("VTIMEZONE")] == ["Europe/London"]
    assert PHONE not in answer.text


def test_who_wants_earlier_times_says_so_and_no_longer(gwen, store, people):
    mine = people[0].id
    gwen.get(f"/my/call/{mine}")
    gwen.post(f"/my/call/{mine}/earlier", wanted="1")
    assert kept(store, mine).earlier_wanted_at is not None
    gwen.post(f"/my/call/{mine}/earlier")
    assert kept(store, mine).earlier_wanted_at is None


@pytest.mark.settings(reminders=(timedelta(hours=1),))
def test_language_zone_and_phrase_are_chosen_and_reminders_follow(gwen, store, people):
    gwen.get("/my/settings")
    gwen.post("/my/settings", locale="en", timezone="Europe/Berlin")
    gwen.post("/my/settings/phrase", phrase="blue teapot")
    assert "blue teapot" in gwen.get("/my/settings").text
    (row,) = store.all(select(Customer).where(Customer.id == people[0].customer_id))
    assert (row.timezone, row.safe_phrase is not None) == ("Europe/Berlin", True)
    queued = [m for m in store.all(select(OutboxMessage)) if m.state == "queued"]
    assert [m.kind for m in queued if m.callback_id == people[0].id] == ["booked", "reminder"]
    assert "phrase" in {m.kind for m in queued}
    for bad in ({"locale": "xx", "timezone": "UTC"}, {"locale": "en", "timezone": "Mars/Base"}):
        gwen.post("/my/settings", 422, **bad)
    for phrase in ("", "1", "see evil.com", "x" * 21):
        gwen.post("/my/settings/phrase", 422, phrase=phrase)


@pytest.mark.parametrize(
    ("waits", "inside"),
    [([29], True), ([31], False), ([29, 29, 29, 29], True), ([29, 29, 29, 29, 10], False)],
)
def test_the_page_closes_when_left_alone_and_after_two_hours(
    app, database, people, clock, waits, inside
):
    browser = Browser(app, database)
    browser.enter()
    for wait in waits:
        clock.now += timedelta(minutes=wait)
        page = browser.client.get("/my").text
    assert ("Your booked calls</h1>" in page) == inside


def test_leaving_ends_this_visit_and_everywhere_ends_all(app, database, people, store, clock):
    one, two, three = (Browser(app, database) for _ in range(3))
    two.enter()
    three.enter()
    for _ in range(3):  # a phone gets two page numbers an hour
        clock.now += timedelta(minutes=21)
        two.client.get("/my")
        three.client.get("/my")
    one.enter()
    name = one.client.application.config["SESSION_COOKIE_NAME"]
    stolen = one.client.get_cookie(name)
    one.post("/my/leave")
    assert "Your booked calls</h1>" not in one.get("/my").text
    one.client.set_cookie(name, stolen.value)
    assert "Your booked calls</h1>" not in one.client.get("/my").text
    assert "Your booked calls</h1>" in two.get("/my").text
    two.post("/my/leave", everywhere="1")
    assert "Your booked calls</h1>" not in three.client.get("/my").text
    assert all(row.ended_at for row in store.all(select(CustomerSession)))


def test_each_reading_of_the_page_is_written_down(gwen, store, people):
    before = len(store.all(select(AuditEntry)))
    gwen.get("/my")
    entries = store.all(select(AuditEntry))
    assert len(entries) == before + 1
    (last,) = [e for e in entries if e.purpose == "own page" and e.callback_id == people[0].id][-1:]
    assert (last.actor, last.action) == ("customer", "customer.read")


def test_a_staff_session_is_no_customers_and_the_other_way_round(gwen):
    assert gwen.client.get("/staff/day").status_code == 303
    assert gwen.client.get("/api/v1/callbacks").status_code == 401
