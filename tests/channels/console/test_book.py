"""Booking on the console."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest

from people.models import Customer
from scheduling.models import Callback
from tests.channels.conftest import PHONE, Console
from tests.channels.support import all_rows


def form(console: Console, minutes_ahead: int = 60, **change: str) -> dict[str, str]:
    at = console.now.replace(second=0) + timedelta(minutes=minutes_ahead)
    return {
        "find": "07400 123456",
        "purpose": "asked_us",
        "name": "Gwen Jones",
        "locale": "en",
        "timezone": "Europe/London",
        "topic": "your router",
        "ticket": "T-1001",
        "minutes": "15",
        "on": at.date().isoformat(),
        "at": f"{at:%H:%M}",
        "key": "a key of the form",
        **change,
    }


def test_a_new_customer_is_booked_and_told(console):
    _, tab = console.agent()
    page = tab.post("/staff/book/find", {"find": "+1 202 555 0147", "purpose": "asked_us"})
    assert page.status_code == 200
    assert "new customer" in page.text
    assert 'value="America/New_York"' in page.text
    answer = tab.post("/staff/book", form(console))
    assert answer.status_code == 303
    card = tab.get(answer.location).text
    assert "Gwen Jones" in card
    assert "text on its way" in card


@pytest.mark.parametrize("asked", ["07400 123456", "T-1001", " t-1001 ".upper()])
def test_a_known_customer_is_found_by_number_or_ticket_without_a_name(console, asked):
    agent, tab = console.agent()
    console.callback(agent)
    page = tab.post("/staff/book/find", {"find": asked, "purpose": "asked_us"}).text
    assert "known customer" in page
    assert "••• ••56" in page
    assert "Gwen" not in page
    assert "400123456" not in page.replace(f'value="{asked}"', "")
    assert len([e for e in console.trail("customer.look_up") if e.customer_id]) == 1


def test_a_booking_over_a_ticket_goes_to_the_tickets_customer(console):
    agent, tab = console.agent()
    first = console.callback(agent)
    answer = tab.post("/staff/book", form(console, 120, find="T-1001", name=""))
    assert answer.status_code == 303
    rows = all_rows(console.app, Callback)
    assert len({row.customer_id for row in rows}) == 1
    assert {row.id for row in rows} > {first}


@pytest.mark.parametrize(
    "asked", ["", "x", "T-9999", "%", "*", "0900", "+999", "1" * 500, "\x00", "' OR 1=1 --", "Gwen"]
)
def test_what_finds_nobody_is_said_at_its_field_and_written_down(console, asked):
    _, tab = console.agent()
    answer = tab.post("/staff/book/find", {"find": asked, "purpose": "asked_us"})
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text


def test_a_look_up_that_finds_nobody_is_written_down_too(console):
    _, tab = console.agent()
    tab.post("/staff/book/find", {"find": "T-9999", "purpose": "asked_us"})
    assert [e.detail for e in console.trail("customer.look_up")] == ["not found"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"name": "www.evil.example"}, "name"),
        ({"topic": ""}, "topic"),
        ({"topic": "\x00\x01"}, "topic"),
        ({"ticket": "x" * 41}, "ticket"),
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"minutes": "0"}, "minutes"),
        ({"minutes": "9999999999"}, "minutes"),
        ({"minutes": "x"}, "minutes"),
        ({"minutes": "²"}, "minutes"),
        ({"at": ""}, "starts_at"),
        ({"on": "2020-01-01"}, "starts_at"),
        ({"on": "2099-01-01"}, "starts_at"),
        ({"on": "x", "at": "y"}, "starts_at"),
        ({"slot": "x"}, "starts_at"),
        ({"slot": "2026-11-24T12:00:30+00:00"}, "starts_at"),
        ({"slot": "other", "on": "", "at": ""}, "starts_at"),
        ({"on": "2027-03-28", "at": "01:30"}, "starts_at"),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_said_at_its_field_and_nothing_typed_is_lost(console, change, field):
    _, tab = console.agent()
    answer = tab.post("/staff/book", form(console, **change))
    assert answer.status_code == 422
    assert f'id="{field}-problem"' in answer.text
    for name, value in form(console).items():
        assert name in change or f'value="{value}"' in answer.text, name
    assert all_rows(console.app, Customer) == []
    assert all_rows(console.app, Callback) == []


def test_all_that_is_wrong_is_said_at_once(console):
    _, tab = console.agent()
    page = tab.post("/staff/book", form(console, name="", topic="", at="")).text
    assert all(f'id="{field}-problem"' in page for field in ("name", "topic", "starts_at"))


def test_a_taken_time_gives_free_ones_to_press(console):
    agent, tab = console.agent()
    console.callback(agent, 60)
    other = form(console, 60, find="07400 123457", name="Other")
    answer = tab.post("/staff/book", other)
    assert answer.status_code == 409
    assert "already taken" in answer.text
    slots = re.findall(r'name="slot" id="slot\d+" value="([^"]+)"', answer.text)
    assert slots
    again = tab.post("/staff/book", {**other, "slot": slots[0]})
    assert again.status_code == 303


def test_free_slots_show_the_customers_time_too(console):
    _, tab = console.agent()
    page = tab.post(
        "/staff/book/find", {"find": "+1 202 555 0147", "purpose": "asked_us", "on": "2026-11-24"}
    ).text
    assert re.search(
        r"14:00 <span class=\"on\">Tue 24 Nov</span> <span class=\"there\">there 09:00", page
    )


def test_a_time_that_comes_twice_is_a_choice_of_two(console):
    console.moment[0] = console.now.replace(month=10, day=24)
    _, tab = console.agent()
    twice = form(console, on=date(2026, 10, 25).isoformat(), at="01:30", timezone="Asia/Tokyo")
    answer = tab.post("/staff/book", twice)
    assert answer.status_code == 422
    assert "occurs twice" in answer.text
    assert "01:30 (BST)" in answer.text
    assert "01:30 (GMT)" in answer.text
    slots = re.findall(r'name="slot" id="slot\d+" value="([^"]+)"', answer.text)
    assert len(slots) == 2
    assert tab.post("/staff/book", {**twice, "slot": slots[1]}).status_code == 303


def test_a_form_sent_twice_books_once(console):
    _, tab = console.agent()
    sent = form(console)
    first, second = tab.post("/staff/book", sent), tab.post("/staff/book", sent)
    assert first.status_code == second.status_code == 303
    assert first.location == second.location
    assert len(all_rows(console.app, Callback)) == 1


def test_a_form_gone_back_to_and_changed_asks_once_more_and_then_books(console):
    _, tab = console.agent()
    tab.post("/staff/book", form(console))
    changed = form(console, 120)
    answer = tab.post("/staff/book", changed)
    assert answer.status_code == 422
    assert "booked a call already" in answer.text
    fresh = re.search(r'name="key" value="([^"]+)"', answer.text)
    assert fresh
    assert fresh[1] != changed["key"]
    assert tab.post("/staff/book", {**changed, "key": fresh[1]}).status_code == 303
    assert len(all_rows(console.app, Callback)) == 2


def test_a_number_added_by_a_colleague_at_this_moment_is_no_error(console, monkeypatch):
    from scheduling.booking import customer_lookup

    _, tab = console.agent()
    real = customer_lookup.look_up_customer

    def just_before(*args):
        match = real(*args)
        monkeypatch.setattr(customer_lookup, "look_up_customer", real)
        console_customer.append(match)
        return match

    console_customer: list[object] = []
    monkeypatch.setattr(customer_lookup, "look_up_customer", just_before)
    from people.customers import customer_creation
    from people.error_codes import PeopleErrorCode

    def taken(*_: object, **__: object):
        from people.errors import InvalidInput

        raise InvalidInput("phone", PeopleErrorCode.PHONE_ALREADY_KNOWN)

    monkeypatch.setattr(customer_creation, "add_customer", taken)
    answer = tab.post("/staff/book", form(console))
    assert answer.status_code == 422
    assert "already known" in answer.text


def test_no_field_at_all_is_survived(console):
    _, tab = console.agent()
    assert tab.post("/staff/book", {}).status_code == 422
    assert tab.post("/staff/book/find", {}).status_code == 422
    assert tab.get("/staff/book/find").location == "/staff/book"


def test_a_number_of_the_page_never_comes_back_as_markup(console):
    _, tab = console.agent()
    page = tab.post("/staff/book", form(console, name='"><script>alert(1)</script>', at="")).text
    assert "<script>alert" not in page
    assert PHONE not in page
