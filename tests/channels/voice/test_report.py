"""A report by keys on the official line: kept with the first key, helped at once, believed no more
than a number that can be forged."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from incidents.cases import report_list
from incidents.reports import report_view
from incidents.reports.models import Report
from tests.channels.support import AUTH_TOKEN, PHONE, a_text, all_rows, signed_post, unit
from tests.channels.voice.test_ivr import Line
from vault.audit import audit_log

pytestmark = pytest.mark.settings(
    public_url="https://check.example.org", twilio_auth_token=AUTH_TOKEN
)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def read(app) -> report_view.ReportView:
    with unit(app) as session:
        (found,) = report_list.list_latest_reports(session, audit_log.SYSTEM, NOON)
        return found


def test_a_key_reports_a_call_and_its_number_is_read_twice(app, client):
    line = Line(client)
    assert "To report a call, press 9" in line.said
    assert "We have your report" in line.key("9")
    assert "If yes, press 1" in line.key("2")
    said = line.key("2")
    found = read(app)
    assert said.count(", ".join(found.reference)) == 2
    assert "Do this now" not in said
    assert line.over
    assert (found.channel, found.proven, found.gave) == ("voice", False, ("nothing",))
    assert found.called_at == datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_a_caller_who_gave_something_is_told_what_to_do_first(app, client):
    line = Line(client)
    line.key("9")
    line.key("1")
    said = line.key("1")
    assert said.startswith("Do this now")
    assert "number on your bank card" in said
    assert read(app).gave == ("other",)
    assert read(app).called_at is not None


def test_the_line_says_that_a_number_can_be_forged_and_a_text_proves_it(app, client):
    line = Line(client)
    line.key("9")
    line.key("3")
    assert "cannot see in a call that it is really from your phone" in line.key("2")
    a_text(client, "SCAM", "SM1")
    (row,) = all_rows(app, Report)
    assert not row.proven
    assert row.proven_at is not None


def test_a_caller_who_hangs_up_after_the_first_key_has_reported(app, client):
    line = Line(client)
    line.key("9")
    form = {**line.form, "Digits": "1", "CallStatus": "completed"}
    signed_post(client, line.action, form)
    assert (read(app).called_at, read(app).times) == (None, 1)


def test_silence_skips_a_question(app, client):
    line = Line(client)
    line.key("9")
    line.key("")
    assert "The number of your report" in line.key("")
    assert (read(app).called_at, read(app).gave) == (None, ())


def test_each_step_sent_again_changes_nothing_and_says_the_same(app, client):
    line = Line(client)
    for key in ("9", "2", "1"):
        first = line.key(key)
        again = signed_post(client, *line.last).text
        assert first.split(".")[0] in again
    found = read(app)
    assert (found.times, found.gave) == (1, ("other",))


def test_a_caller_with_a_hidden_number_is_asked_for_it_and_it_stays_sealed(app, client):
    line = Line(client, sender="anonymous")
    line.key("07400123456")
    line.key("9")
    line.key("1")
    assert PHONE not in str(line.action)
    assert "The number of your report" in line.key("2")
    assert not read(app).proven
