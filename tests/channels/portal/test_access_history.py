"""The customer's page of who opened their record, in the browser."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlmodel import select

from incidents.reports.models import Report
from scheduling import callbacks
from tests import factories
from tests.channels.portal.test_pages import PHONE, Browser


@pytest.fixture
def gwen(app, database, store, clock):
    """Gwen's browser; Ana has a call with her, Ben looked her up for nothing."""
    with store.unit() as session:
        ana = factories.an_agent(session, clock.now)
        ben = factories.an_agent(session, clock.now, name="Ben Okafor")
        who = factories.a_customer(session, clock.now, PHONE)
        ahead = timedelta(hours=2)
        call = factories.a_callback(session, clock.now, agent=ana, customer=who, ahead=ahead)
        for _ in range(40):
            callbacks.read_callback(session, call, clock.now, "card")
        factories.looked_up(session, ben, PHONE, clock.now)
    clock.now += timedelta(hours=1)
    browser = Browser(app, database)
    browser.enter()
    return browser


def test_it_says_who_when_and_why_with_the_odd_one_first(gwen):
    page = gwen.get("/my/openings").text
    assert page.index("Ben") < page.index("Ana")
    assert "We see no call of yours behind this" in page
    assert "To get ready for your call." in page
    assert "40 times" not in page  # it was one visit
    assert "1 time" not in page
    assert "for your call on Tue 24 Nov" in page
    assert "Silva" not in page
    assert "Okafor" not in page


def test_one_press_objects_and_the_reference_is_shown_from_then_on(gwen, store):
    page = gwen.get("/my/openings").text
    entry = re.search(r'name="entry" value="(\d+)"', page)[1]
    for _ in range(2):
        assert gwen.post("/my/openings/object", entry=entry).location.endswith("thanks=1")
    report = store.all(select(Report))[0]
    page = gwen.get("/my/openings").text
    assert report.reference in page
    assert "We have your question" in page
    assert len(store.all(select(Report))) == 1


@pytest.mark.parametrize("entry", ["", "x", "-1", "1e3", "9" * 30])
def test_what_is_no_opening_is_refused(gwen, store, entry):
    gwen.get("/my/openings")
    gwen.post("/my/openings/object", 422, entry=entry)
    assert store.all(select(Report)) == []


def test_an_opening_of_nobodys_is_not_found(gwen, store):
    gwen.get("/my/openings")
    gwen.post("/my/openings/object", 404, entry="999999999")
    assert gwen.client.get("/my/openings?before=x").status_code == 422
    assert gwen.client.get("/my/openings?before=1").status_code == 200


def test_nobody_sees_it_without_the_number(app):
    assert app.test_client().get("/my/openings").status_code == 303


def test_staff_know_that_customers_see_it(console):
    agent, tab = console.agent()
    card = tab.get(f"/staff/callback/{console.callback(agent)}").text
    assert "The customer can see that you opened this record" in card
