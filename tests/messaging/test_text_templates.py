"""What each text says, and on whose clock (``test_translations`` looks at the languages)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from messaging import report_texts, text_templates, verdict_texts
from messaging.message_context import MessageContext

VOICE = MessageContext("Example Bank", "+442079460123", "en", "Europe/London")
WINTER = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
SUMMER = datetime(2026, 7, 24, 14, 0, tzinfo=UTC)


def texts(voice: MessageContext = VOICE) -> dict[str, str]:
    """Every text, by the name of what makes it."""
    return {
        "booked": text_templates.text_booked(voice, "Ana", WINTER, "your router"),
        "moved": text_templates.text_moved(voice, "Ana", WINTER),
        "cancelled": text_templates.text_cancelled(voice, WINTER),
        "genuine": verdict_texts.text_genuine(voice, "Ana", "your router", WINTER, "apple"),
        "already_confirmed": verdict_texts.text_already_confirmed(voice, WINTER, "web"),
        "not_confirmed": verdict_texts.text_not_confirmed(voice),
        "cannot_check": verdict_texts.text_cannot_check(voice),
        "calling_you": verdict_texts.text_calling_you(voice, "Ana", WINTER),
        "not_calling_you": verdict_texts.text_not_calling_you(voice),
        "reported": report_texts.text_report_received(voice, "R2345678"),
        "refused": text_templates.text_call_refused(voice),
        "nothing_to_refuse": text_templates.text_nothing_to_refuse(voice),
        "move_asked": text_templates.text_move_requested(voice),
        "help_words": text_templates.text_help(voice),
        "number_changed": text_templates.text_number_changed(voice, "57"),
    }


@pytest.mark.parametrize("name", texts())
def test_a_text_begins_with_who_we_are_and_holds_no_link_and_no_code(name):
    said = texts()[name]
    assert said.startswith("Example Bank: ")
    assert not re.search(r"https?:|www\.|\w\.\w", said)
    without = said.replace(VOICE.official_phone, "").replace("R2345678", "")
    assert not re.search(r"\d[\d ]{4,}\d", without)


def test_only_one_text_says_that_a_caller_is_genuine():
    said = {name for name, text in texts().items() if "genuine" in text.lower()}
    assert said == {"genuine"}


def test_a_text_about_a_call_to_come_says_when_who_calls_and_that_we_never_ask():
    for name in ("booked", "moved"):
        said = texts()[name]
        for part in ("Ana", "Tue 24 Nov 14:00", "We never ask for one", "REFUSE"):
            assert part in said
    assert "your router" in texts()["booked"]


@pytest.mark.parametrize("name", ["not_confirmed", "not_calling_you", "cannot_check"])
def test_a_negative_says_what_to_do_and_our_number(name):
    assert "hang up" in texts()[name].lower()
    assert VOICE.official_phone in texts()[name]


@pytest.mark.parametrize(
    ("zone", "at", "shown"),
    [
        ("Europe/London", WINTER, "14:00"),
        ("Europe/London", SUMMER, "15:00"),
        ("Asia/Kathmandu", WINTER, "19:45"),
        ("Pacific/Auckland", WINTER, "Wed 25 Nov 03:00"),
    ],
)
def test_times_are_on_the_customers_clock(zone, at, shown):
    assert shown in text_templates.text_booked(replace(VOICE, zone=zone), "Ana", at, "x")


@pytest.mark.parametrize("topic", ["{agent}", "{0.__class__}", "%s", "%(agent)s", "{", "}}"])
def test_what_people_wrote_is_never_taken_for_a_pattern(topic):
    assert topic in text_templates.text_booked(VOICE, "Ana", WINTER, topic)
    assert topic in verdict_texts.text_genuine(VOICE, topic, "x", WINTER, "apple")
    assert text_templates.text_call_refused(replace(VOICE, organisation=topic)).startswith(
        f"{topic}: "
    )


@pytest.mark.parametrize("channel", ["text", "web", "api", "keypad"])
def test_a_number_used_before_says_when_and_how(channel):
    said = verdict_texts.text_already_confirmed(VOICE, WINTER, channel)
    assert "14:00" in said
    assert "HANG UP" in said


def test_a_language_that_we_do_not_speak_is_told_in_english():
    assert texts(replace(VOICE, locale="fi")) != texts(replace(VOICE, locale="de"))
    assert text_templates.text_call_refused(
        replace(VOICE, locale="fi")
    ) == text_templates.text_call_refused(VOICE)
