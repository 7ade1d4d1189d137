"""SCAM, then two questions that nobody need answer; what comes between keeps its meaning."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations
from xml.etree import ElementTree

import pytest

from channels.texts import report_answer_parser
from config.languages import registry
from config.languages.vocabulary import customer_vocabulary
from incidents.cases import report_list
from incidents.reports import report_view
from incidents.reports.models import Report
from messaging import opt_outs, segments
from tests.channels.support import (
    AUTH_TOKEN,
    OTHER_PHONE,
    PHONE,
    a_started_call,
    a_text,
    a_token,
    all_rows,
    unit,
)
from tests.security_rules.messages.test_m3_reply_words import CARRIERS
from vault.audit import audit_log

pytestmark = pytest.mark.settings(
    public_url="https://check.example.org", twilio_auth_token=AUTH_TOKEN
)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Thread:
    """The texts between one phone and us."""

    def __init__(self, client, sender=PHONE, start=0):
        self.client, self.sender, self.count = client, sender, start

    def send(self, body, sid=""):
        self.count += 1
        answer = a_text(self.client, body, sid or f"SM{self.count:x}", sender=self.sender)
        found = ElementTree.fromstring(answer.text).find("Message")
        return "" if found is None else (found.text or "")


@pytest.fixture
def thread(client):
    return Thread(client)


def read(app) -> list[report_view.ReportView]:
    with unit(app) as session:
        return report_list.list_latest_reports(session, audit_log.SYSTEM, NOON)


def test_scam_is_filed_at_once_with_the_advice_first_and_then_asks(app, thread):
    said = thread.send("SCAM")
    assert "Hang up." in said.split("?")[0]
    assert read(app)[0].reference in said
    assert "What number did they show?" in said
    assert "What did they know" in thread.send("It was 020 7946 0000")
    assert "that is all" in thread.send("My name and TICKET")
    (found,) = read(app)
    assert (found.shown_number, found.knew) == ("020 7946 0000", ("name", "ticket"))
    assert found.proven
    assert found.times == 1


def test_each_answer_fits_one_segment(thread):
    for body in ("SCAM", "NEXT", "NONE", "scam they wanted money"):
        assert segments.count_segments(thread.send(body)) == 1


@pytest.mark.parametrize("word", ["NEXT", "skip", "Nächste", "NAECHSTE", "siguiente", "None"])
def test_a_question_can_be_skipped_in_each_language(app, thread, word):
    thread.send("SCAM")
    assert "What did they know" in thread.send(word)
    assert "that is all" in thread.send(word)
    assert (read(app)[0].shown_number, read(app)[0].knew) == ("", ())


def test_a_hidden_number_is_an_answer(app, thread):
    thread.send("SCAM")
    assert "What did they know" in thread.send("It was hidden")
    assert read(app)[0].number_hidden


def test_without_an_answer_the_report_stands(app, thread, clock):
    thread.send("SCAM")
    clock.now += timedelta(hours=2)
    assert "Text the check number" in thread.send("020 7946 0000")
    assert read(app)[0].shown_number == ""


def test_a_code_and_every_word_keep_their_meaning_meanwhile(app, client, clock, thread):
    headers = a_token(app)
    _, code = a_started_call(app, client, clock, headers)
    thread.send("SCAM")
    assert "GENUINE" in thread.send(code)
    assert "is calling you" in thread.send("CHECK")
    assert "no call booked" in thread.send("MOVE")
    assert "What did they know" in thread.send("020 7946 0000")
    assert thread.send("STOP") == ""
    assert thread.send("NAME") == ""
    (found,) = read(app)
    assert (found.shown_number, found.knew) == ("020 7946 0000", ())


def test_a_wrong_code_of_six_digits_is_never_taken_for_a_number_that_was_shown(app, thread):
    thread.send("SCAM")
    assert "NOT CONFIRMED" in thread.send("482 915")
    assert read(app)[0].shown_number == ""


def test_answers_without_a_report_are_texts_like_any_other(app, thread):
    assert "Text the check number" in thread.send("020 7946 0000")
    assert read(app) == []


def test_nobody_elses_report_is_answered(app, client, thread):
    thread.send("SCAM")
    Thread(client, OTHER_PHONE, start=50).send("020 7946 0000")
    assert read(app)[0].shown_number == ""


def test_a_replay_changes_nothing(app, thread):
    """M2: each text handed over three times, the answers before the report too."""
    for body, sid in (("NAME", "SM1"), ("SCAM", "SM2"), ("NAME", "SM3"), ("SCAM", "SM2")):
        for _ in range(3):
            thread.send(body, sid)
    (found,) = read(app)
    assert (found.times, found.knew) == (1, ("name",))


@pytest.mark.parametrize("order", list(permutations(["020 7946 0000", "NAME", "SCAM"])), ids=str)
def test_texts_in_any_order_lose_no_report(app, thread, order):
    """What comes before the report has nothing to belong to; the rest belongs where it fits."""
    for body in order:
        thread.send(body)
    (found,) = read(app)
    after = order[order.index("SCAM") :]
    assert found.shown_number == ("020 7946 0000" if "020 7946 0000" in after else "")
    assert found.knew == (("name",) if "NAME" in after else ())


def test_who_wants_no_texts_files_in_silence(app, thread, clock):
    with unit(app) as session:
        opt_outs.record_opt_out(session, PHONE, clock.now)
    assert thread.send("SCAM") == ""
    assert thread.send("020 7946 0000") == ""
    assert len(read(app)) == 1


def test_what_was_typed_on_the_web_is_proven_and_not_asked_again(app, client, thread):
    form = {"phone": PHONE, "shown_number": "020 7946 0000", "knew": ["name"]}
    client.post("/report", data=form)
    said = thread.send("SCAM")
    assert "What" not in said
    (found,) = read(app)
    assert (found.proven, found.times) == (True, 2)
    assert found.reference in said


def test_a_reporter_in_a_hurry_is_one_report_not_many(app, thread):
    for _ in range(4):
        thread.send("SCAM")
    (row,) = all_rows(app, Report)
    assert row.times == 4


def test_no_word_of_an_answer_is_a_carriers_a_command_or_a_reply_word():
    known = customer_vocabulary()
    words = known.skip | known.hidden | set(known.knew)
    assert len(words) > 20
    assert words.isdisjoint(CARRIERS)
    assert words.isdisjoint(known.commands)
    for language in registry.load_usable_languages(registry.FOLDER):
        assert words.isdisjoint(language.reply_words)


@pytest.mark.parametrize(
    ("body", "number"),
    [
        ("+44 20 7946 0000", "+44 20 7946 0000"),
        ("(020) 7946-0000", "(020) 7946-0000"),
        ("it said ٠٢٠٧٩٤٦٠٠٠٠", "02079460000"),
        ("02079460000 or 02079460001", ""),
        ("1234", ""),
        ("1" * 30, ""),
        ("", ""),
        ("\x00", ""),
    ],
    ids=str,
)
def test_a_number_is_read_however_it_is_written(body, number):
    assert report_answer_parser.parse_report_answer(body).number == number


def test_an_answer_that_cannot_be_read_is_asked_for_once_more(app, thread):
    thread.send("SCAM")
    again = thread.send("what do you mean??")
    assert "What number did they show?" in again
    assert segments.count_segments(again) == 1
    assert "CHECK" in thread.send("I do not understand you")
    assert thread.send("hola") == ""
    assert "What did they know" in thread.send("020 7946 0000")
    assert thread.send("well") == ""


def test_an_answer_to_a_question_uses_up_no_help(thread):
    for body in ("SCAM", "020 7946 0000", "my name"):
        thread.send(body)
    assert "CHECK" in thread.send("hola")
    assert thread.send("hola") == ""
