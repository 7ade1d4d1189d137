"""The supervisor's page and the investigator's pages."""

from __future__ import annotations

import pytest

from people.models import Role
from scheduling.calendars import working_hours


def supervisor(console):
    console.member("sam@example.org", Role.SUPERVISOR)
    return console.sign_in("sam@example.org")


def test_the_team_is_shown_by_first_name_with_todays_counts_and_no_customer(console):
    ana = console.member("ana@example.org")
    console.member("ben@example.org")
    console.callback(ana)
    page = supervisor(console).get("/staff/team").text
    assert "<h2>Ana</h2>" in page
    assert "1 callback today" in page
    assert "0 callbacks today" in page
    for personal in ("Gwen", "123456", "router", "T-1001", "Silva</h2>"):
        assert personal not in page


def test_hours_are_set_for_the_whole_week_and_written_down(console):
    ana = console.member("ana@example.org")
    tab = supervisor(console)
    data = {"day0": "09:00-12:30, 13:30-17:00", "day4": "9-12"}
    assert tab.post(f"/staff/team/{ana}/hours", data).status_code == 303
    with console.unit() as session:
        assert working_hours.load_working_hours(session, ana) == {
            0: [(540, 750), (810, 1020)],
            4: [(540, 720)],
        }
    assert len(console.trail("hours.set")) == 1
    page = tab.get(f"/staff/team?saved={ana}").text
    assert 'value="09:00-12:30, 13:30-17:00"' in page
    assert "Saved." in page
    assert tab.post(f"/staff/team/{ana}/hours", {}).status_code == 303
    with console.unit() as session:
        assert working_hours.load_working_hours(session, ana) == {}


def test_hours_that_cannot_be_read_are_said_by_day_and_change_nothing(console):
    ana = console.member("ana@example.org")
    tab = supervisor(console)
    answer = tab.post(f"/staff/team/{ana}/hours", {"day0": "9-12", "day2": "late", "day3": "9-8"})
    assert answer.status_code == 422
    assert 'value="late"' in answer.text
    assert answer.text.count('aria-invalid="true"') == 2
    with console.unit() as session:
        assert working_hours.load_working_hours(session, ana) == {}


def test_only_agents_have_hours_here(console):
    other = console.member("ines@example.org", Role.INVESTIGATOR)
    tab = supervisor(console)
    assert tab.post(f"/staff/team/{other}/hours", {"day0": "9-12"}).status_code == 404
    assert tab.post("/staff/team/x/hours", {"day0": "9-12"}).status_code in (404, 405)


def investigator(console):
    console.member("ines@example.org", Role.INVESTIGATOR)
    return console.sign_in("ines@example.org")


def test_reports_are_read_and_each_reading_is_written_down(console):
    console.customer()
    with console.app.test_client() as client:
        client.post("/report", data={"phone": "07400 123456", "said": "<b>gift</b> cards"})
    page = investigator(console).get("/staff/reports").text
    assert "&lt;b&gt;gift&lt;/b&gt; cards" in page
    assert "known customer" in page
    assert "Gwen" not in page
    assert "123456" not in page
    assert len(console.trail("report.read")) == 1


def test_the_audit_log_is_paged_filtered_and_its_reading_written_down(console):
    ana = console.member("ana@example.org")
    bob = console.member("bob@example.org")
    for _ in range(30):
        console.callback(ana, 30)
        console.callback(bob, 30, "+447400123457")
        console.wait(minutes=15)
    tab = investigator(console)
    page = tab.get("/staff/audit").text
    assert page.count('class="at"') == 50
    older = page.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    assert tab.get(older).text.count('class="at"') > 10
    booked = tab.get("/staff/audit?what=calls").text
    assert "booked a callback" in booked
    assert "added a customer" not in booked
    assert "Ana Silva" in booked
    assert len(console.trail("audit.read")) == 3
    assert "Gwen" not in page


@pytest.mark.parametrize(
    "query",
    ["before=x", "before=" + "9" * 30, "what=x", "purpose=%00", "from=x", "to=9999", "person=x"],
)
def test_a_page_of_the_log_that_is_none_is_said(console, query):
    answer = investigator(console).get(f"/staff/audit?{query}")
    assert answer.status_code == 422
    assert "Please look again:" in answer.text
    assert 'name="purpose"' in answer.text
    assert 'class="at"' not in answer.text
    assert console.trail("audit.read") == []


def test_what_was_typed_into_the_filter_stays_beside_what_is_wrong_with_it(console):
    page = investigator(console).get("/staff/audit?what=calls&from=9999-99-99").text
    assert "Write the day like 2026-11-24." in page
    assert '<option value="calls" selected>' in page
    assert 'value="9999-99-99"' in page


def test_ids_of_the_log_are_shown_as_names_or_by_their_end(console):
    tab = investigator(console)
    phone = {"phone": "+447400123456", "reason": "she asks who read her"}
    console.customer()
    assert tab.post("/staff/audit/customer", phone).status_code == 303
    page = tab.get("/staff/audit?what=log").text
    assert "asked who read a customer" in page
    begun = console.trail("audit.begin")[-1]
    assert begun.detail not in page
    assert begun.detail[-6:] not in page
    me = console.trail("audit.read")[-1].staff_id
    assert f"{me}</td>" not in tab.get("/staff/audit?what=staff").text


def test_the_end_of_the_log_is_an_empty_page(console):
    assert "No such entries" in investigator(console).get("/staff/audit?from=2030-01-01").text


def test_who_read_a_customer_takes_the_exact_number_and_a_reason(console):
    ana = console.member("ana@example.org")
    console.callback(ana)
    tab = investigator(console)
    for data in (
        {"phone": "07400 123456", "reason": ""},
        {"phone": "07400 123457", "reason": "she asks who it was"},
        {"phone": "0740", "reason": "she asks who it was"},
    ):
        assert tab.post("/staff/audit/customer", data).status_code == 422
    assert console.trail("audit.begin") == []
    data = {"phone": "07400 123456", "reason": "she rang and asks"}
    to = tab.post("/staff/audit/customer", data).location
    page = tab.get(to).text
    assert "booked a callback" in page
    assert "Ana Silva" in page
    assert "she rang" in page
    assert "Gwen" not in page
    assert "123456" not in page
    (begun,) = console.trail("audit.begin")
    read = [item for item in console.trail("audit.read") if item.customer_id]
    assert [item.customer_id for item in read] == [begun.customer_id]


def test_such_a_reading_is_its_readers_own_and_ends_after_an_hour(console):
    ana = console.member("ana@example.org")
    console.callback(ana)
    tab = investigator(console)
    data = {"phone": "07400 123456", "reason": "she rang and asks"}
    to = tab.post("/staff/audit/customer", data).location
    console.member("ivo@example.org", Role.INVESTIGATOR)
    assert console.sign_in("ivo@example.org").get(to).status_code == 404
    assert tab.get(to).status_code == 200
    console.wait(minutes=59)
    assert tab.get("/staff/audit").status_code == 200
    console.wait(minutes=2)
    assert tab.get(to).status_code == 404


def test_the_log_is_filtered_by_person_time_and_purpose_with_a_picture(console):
    ana, bob = console.member("ana@example.org"), console.member("bob@example.org")
    console.callback(ana)
    console.callback(bob, 30, "+447400123457")
    tab = investigator(console)
    page = tab.get(f"/staff/audit?person={ana}&from=2026-11-24&to=2026-11-24").text
    assert "What Ana Silva did" in page
    assert ">Bob Silva</td>" not in page
    assert "<svg" in page
    assert "The most on" in page or "the most on" in page
    assert "No such entries" in tab.get(f"/staff/audit?person={ana}&to=2026-11-23").text
    assert "No such entries" in tab.get("/staff/audit?purpose=C2345678").text
