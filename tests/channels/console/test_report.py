"""An agent files a report for somebody on the phone, and learns nothing of a customer by it."""

from __future__ import annotations

import pytest

from incidents.reports.models import Report
from tests.channels.conftest import PHONE
from tests.ids import without_random


def rows(console) -> list[Report]:
    from sqlmodel import select

    with console.unit() as session:
        return list(session.exec(select(Report)))


def test_it_is_filed_as_unproven_and_written_down_with_who_did_it(console):
    agent, tab = console.agent()
    customer = console.customer()
    form = {"phone": "07400 123456", "knew": ["name"], "gave": ["money"], "tell_me": "1"}
    page = tab.post("/staff/report", form)
    (row,) = rows(console)
    assert row.reference in page.text
    assert "Ring your bank now" in page.text
    assert (row.channel, row.proven, row.customer_id) == ("agent", False, customer)
    assert row.tell_outcome
    (entry,) = console.trail("report.file")
    assert (entry.staff_id, entry.customer_id) == (agent, customer)
    assert entry.purpose == "told by phone"


def test_the_answer_is_the_same_for_a_customer_and_for_nobody(console):
    _, tab = console.agent()
    console.customer()
    pages = []
    for phone in (PHONE, "+447400999999"):
        page = tab.post("/staff/report", {"phone": phone}).text
        reference = next(r.reference for r in rows(console) if r.reference in page)
        pages.append(page.replace(reference, "R"))
    assert pages[0] == pages[1]
    assert "Gwen" not in pages[0]
    assert "7400" not in without_random(pages[0])


def test_agents_cannot_read_reports(console):
    _, tab = console.agent()
    tab.post("/staff/report", {"phone": PHONE, "said": "secret words"})
    assert tab.get("/staff/reports").status_code == 403
    assert "secret words" not in tab.get("/staff/report").text


@pytest.mark.parametrize(
    "change",
    [{"phone": ""}, {"phone": "x"}, {"called_at": "2099-01-01T10:00"}, {"said": "x" * 1001}],
    ids=str,
)
def test_what_cannot_be_used_is_asked_again(console, change):
    _, tab = console.agent()
    answer = tab.post("/staff/report", {"phone": PHONE, **change})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert rows(console) == []


def test_without_the_forms_token_nothing_is_filed(console):
    _, tab = console.agent()
    assert tab.client.post("/staff/report", data={"phone": PHONE}).status_code == 400
    assert rows(console) == []


def test_an_investigator_reads_all_that_was_told(console):
    from people.models import Role

    _, tab = console.agent()
    form = {"phone": PHONE, "number_hidden": "1", "claimed_to_be": "police", "asked_for": ["card"]}
    tab.post("/staff/report", form)
    console.member("ines@example.org", Role.INVESTIGATOR)
    page = console.sign_in("ines@example.org").get("/staff/reports").text
    for words in ("hidden", "the police", "card or account", "taken by a colleague"):
        assert words in page
