"""The report as questions: each can be skipped, no address says who, and tabs are apart."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from channels.web.public.report_wizard_steps import WIZARD_STEPS
from incidents.cases import report_list
from incidents.reports import report_view
from incidents.reports.models import Report
from tests.channels.support import OTHER_PHONE, PHONE, all_rows, unit
from tests.ids import without_random
from vault.audit import audit_log

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Asked:
    """One tab of a browser that answers the questions."""

    def __init__(self, client):
        self.client = client
        self.at = client.post("/report/start").location
        self.seen = [self.at]

    def page(self):
        return self.client.get(self.at)

    def say(self, **form):
        answer = self.client.post(self.at, data=form)
        if answer.status_code == 303:
            self.at = answer.location
            self.seen.append(self.at)
        return answer

    def to(self, question):
        self.at = self.at.rpartition("/")[0] + "/" + question
        return self


@pytest.fixture
def asked(client):
    return Asked(client)


def the_report(app) -> report_view.ReportView:
    with unit(app) as session:
        (found,) = report_list.list_latest_reports(session, audit_log.SYSTEM, NOON)
        return found


def test_all_questions_one_a_page_to_a_reference(app, asked):
    asked.say(nothing="1")
    asked.say(when="yesterday", hour="9")
    asked.say(shown_number="+44 20 7946 0000")
    asked.say(who="bank")
    asked.say(knew=["name", "ticket"])
    asked.say(wanted=["code", "money"], said="They were kind.")
    assert "7 of 7" in asked.page().text
    asked.say(phone="07400 123456", tell="1")
    done = asked.page().text
    found = the_report(app)
    assert found.reference in done
    assert "We text you what came of it" in done
    assert found.called_at == datetime(2026, 11, 23, 9, tzinfo=UTC)
    assert (found.shown_number, found.claimed_to_be) == ("+44 20 7946 0000", "bank")
    assert (found.knew, found.asked_for) == (("name", "ticket"), ("code", "money"))
    assert (found.gave, found.said) == (("nothing",), "They were kind.")
    (row,) = all_rows(app, Report)
    assert (row.tell_outcome, row.proven, row.channel) == (True, False, "web")


def test_everything_but_the_number_can_be_skipped(app, asked):
    for question in WIZARD_STEPS[:-1]:
        assert asked.at.endswith(question)
        asked.say(skip="1")
    refused = asked.say(skip="1")
    assert refused.status_code == 422
    assert "your own whole phone number" in refused.text
    asked.say(phone=PHONE)
    found = the_report(app)
    assert (found.called_at, found.shown_number, found.knew, found.gave) == (None, "", (), ())


def test_a_customer_who_gave_something_is_helped_before_anything_else(asked):
    asked.say(gave=["remote", "card"])
    assert asked.at.endswith("/now")
    page = asked.page().text
    assert "off the internet" in page
    assert "number on your bank card" in page
    assert "Ask your bank to stop the payment" not in page
    assert asked.to("when").page().status_code == 200


def test_help_follows_what_was_given(asked):
    asked.say(gave=["money"])
    page = asked.page().text
    assert "Ask your bank to stop the payment" in page
    assert "off the internet" not in page


def test_ticks_count_although_the_button_for_nothing_was_pressed(asked):
    asked.say(gave=["code"], nothing="1")
    assert asked.at.endswith("/now")


def test_back_shows_what_was_answered_and_takes_another_answer(app, asked):
    asked.say(nothing="1")
    asked.say(when="today", hour="9")
    asked.say(shown_number="0123")
    page = asked.to("number").page().text
    assert 'value="0123"' in page
    assert "/when" in page
    asked.say(hidden="1", shown_number="0123")
    asked.to("phone").say(phone=PHONE)
    found = the_report(app)
    assert (found.shown_number, found.number_hidden) == ("", True)
    assert found.called_at == datetime(2026, 11, 24, 9, tzinfo=UTC)


def test_two_tabs_make_two_reports(app, client):
    one, other = Asked(client), Asked(client)
    one.to("number").say(shown_number="111")
    other.to("number").say(shown_number="222")
    one.to("phone").say(phone=PHONE)
    other.to("phone").say(phone=OTHER_PHONE)
    with unit(app) as session:
        shown = [
            report.shown_number
            for report in report_list.list_latest_reports(session, audit_log.SYSTEM, NOON)
        ]
    assert sorted(shown) == ["111", "222"]


def test_no_personal_data_in_any_address_or_readable_in_a_cookie(asked):
    asked.say(skip="1")
    asked.say(skip="1")
    answer = asked.say(shown_number="+44 20 7946 0000")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    asked.to("phone").say(phone=PHONE)
    for address in asked.seen:
        assert not any(part in address for part in ("7946", "7400", "="))
    assert "7946" not in cookie


def test_a_cookie_from_another_tab_or_a_changed_one_is_none(client):
    one, other = Asked(client), Asked(client)
    answer = one.say(skip="1")
    stolen = answer.headers["Set-Cookie"].partition(";")[0].partition("=")[2]
    tab = other.at.split("/")[2]
    for value in (stolen, stolen[:-6] + "AAAAAA", "x", "é"):
        client.set_cookie("report", value, path=f"/report/{tab}")
        assert client.get(other.at).location == "/report/whole"
        assert client.post(other.at, data={"skip": "1"}).location == "/report/whole"


def test_a_browser_without_cookies_gets_all_on_one_page(app):
    bare = app.test_client(use_cookies=False)
    first = bare.post("/report/start").location
    assert bare.get(first).location == "/report/whole"
    page = bare.get("/report/whole").text
    assert 'name="asked_for"' in page
    data = {"phone": PHONE, "gave": ["code"], "claimed_to_be": "the police", "tell_me": "1"}
    assert "Thank you" in bare.post("/report", data=data).text
    assert the_report(app).claimed_to_be == "the police"


def test_sent_twice_it_is_one_report_and_nothing_can_be_changed_afterwards(app, asked):
    asked.to("phone")
    form_at = asked.at
    asked.say(phone=PHONE)
    done = asked.at
    assert asked.client.post(form_at, data={"phone": OTHER_PHONE}).location == done
    assert asked.client.get(form_at).location == done
    assert PHONE not in asked.client.get(done).text
    assert len(all_rows(app, Report)) == 1


@pytest.mark.parametrize(
    ("question", "form", "advice"),
    [
        ("when", {"when": "other"}, "Choose the day"),
        ("when", {"when": "other", "on": "2099-01-01"}, "future"),
        ("when", {"when": "other", "on": "1990-01-01"}, "Choose the day"),
        ("when", {"when": "other", "on": "tomorrow"}, "Choose the day"),
        ("number", {"shown_number": "1" * 41}, "too long"),
        ("number", {"shown_number": "1\x002"}, "too long"),
        ("who", {"who_else": "x" * 101}, "fewer words"),
        ("wanted", {"said": "x" * 501}, "fewer words"),
        ("phone", {"phone": "12"}, "whole phone number"),
        ("phone", {"phone": "x" * 5000}, "whole phone number"),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_asked_again_on_its_own_page(app, asked, question, form, advice):
    answer = asked.to(question).say(**form)
    assert answer.status_code == 422
    assert advice in answer.text
    assert 'role="alert"' in answer.text
    assert all_rows(app, Report) == []


def test_the_longest_story_fits_into_the_cookie(app, asked):
    asked.to("wanted").say(said="🙂" * 500, wanted=["code"])
    asked.to("who").say(who="other", who_else="é" * 100)
    asked.to("knew").say(knew=["name", "phone", "ticket", "product", "address", "other"])
    asked.to("phone").say(phone=PHONE)
    found = the_report(app)
    assert found.said == "🙂" * 500
    assert len(found.knew) == 6


def test_earlier_today_without_an_hour_is_never_in_the_future(app, asked, clock):
    asked.to("when").say(when="today")
    asked.to("phone").say(phone=PHONE)
    assert the_report(app).called_at == clock.now


def test_the_day_is_that_of_the_number_not_of_the_server(app, client, clock):
    clock.now = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)  # still Monday in New York
    asked = Asked(client)
    asked.to("when").say(when="yesterday", hour="20")
    asked.to("phone").say(phone="+12125550123")
    assert the_report(app).called_at == datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


def test_a_field_that_nobody_sees_marks_a_program_and_keeps_its_report(app, client):
    client.post("/report", data={"phone": PHONE, "website": "https://x.example"})
    (row,) = all_rows(app, Report)
    assert row.doubtful


def test_the_number_that_was_checked_is_there_already(app, client):
    """As a browser shows pages; a program gets the same answer to the byte (rule C5)."""
    seen = {"Sec-Fetch-Mode": "navigate"}
    form = {"phone": "07400 123456", "code": "123456"}
    verdict = client.post("/check", data=form, headers=seen)
    assert "7400" not in without_random(verdict.text)
    assert "7400" not in verdict.headers["Set-Cookie"]
    assert 'value="07400 123456"' in client.get("/report/whole").text
    asked = Asked(client)
    assert 'value="07400 123456"' in asked.to("phone").page().text
    asked.say(phone="07400 123456")
    assert "7400" not in without_random(client.get("/report/whole").text)
    assert client.post("/check", data=form).headers.get("Set-Cookie") is None


@pytest.mark.parametrize("value", ["", "x", "AAAA", "é", "A" * 3000])
def test_a_forged_number_cookie_is_none(client, value):
    client.set_cookie("number", value, path="/report")
    page = client.get("/report/whole")
    assert page.status_code == 200
    assert 'name="phone" type="tel" autocomplete="tel" required value=""' in page.text


@pytest.mark.parametrize("language", ["de", "es"])
def test_the_questions_speak_the_readers_language(client, language):
    asked = Asked(client)
    page = client.get(asked.at, headers={"Accept-Language": language})
    assert f'<html lang="{language}"' in page.text


@pytest.mark.parametrize(
    "path",
    [
        "/report/x/gave",
        "/report/0123456789ab/gave",
        "/report/0123456789ab/nothing",
        "/report/%00/x",
    ],
)
def test_addresses_of_nobody_lead_to_the_form_or_nowhere(client, path):
    for answer in (client.get(path), client.post(path)):
        assert answer.status_code in (303, 404)
