"""A language that is only a folder: pages, texts, reply words and the keypad speak it."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from channels.cli.languages import languages_group
from channels.time_format import LocalClock
from config.languages import registry
from incidents.canaries import fake_names
from incidents.reports.models import Report
from messaging import text_templates
from people.models import Customer
from tests import made_up_language
from tests.channels.support import (
    AUTH_TOKEN,
    PHONE,
    a_text,
    a_token,
    all_rows,
    booking,
    context,
)
from tests.channels.voice.test_ivr import Line
from tests.made_up_language import NAMES, PREFIX, REPLY_WORDS

pytestmark = [
    pytest.mark.usefixtures("languages"),
    pytest.mark.settings(
        public_url="https://check.example.org",
        twilio_auth_token=AUTH_TOKEN,
        languages="en, eo, ar, pt-BR",
    ),
]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = made_up_language.make_languages_folder(tmp_path_factory.mktemp("prepared"))
    made_up_language.add_language(folder, "eo")
    made_up_language.add_language(folder, "ar", "rtl")
    made_up_language.add_language(folder, "pt_BR")
    return folder


@pytest.fixture
def languages(prepared, monkeypatch):
    """Before the application: three languages more, and no other change."""
    monkeypatch.setattr(registry, "FOLDER", prepared)


def book_in(app, client, clock, locale: str) -> tuple[dict[str, str], str]:
    """Book for a customer who speaks it; give the agent's headers and the callback's id."""
    headers = a_token(app)
    customer = {"phone": PHONE, "name": "Gwen Jones", "locale": locale}
    made = client.post("/api/v1/callbacks", json=booking(app, customer=customer), headers=headers)
    assert made.status_code == 201, made.text
    return headers, made.json["id"]


def start(client, clock, headers, callback) -> str:
    clock.now += timedelta(minutes=10)
    return client.post(f"/api/v1/callbacks/{callback}/start", headers=headers).json["code"]


def answer_to(client, body: str, sid: str) -> str:
    said = ElementTree.fromstring(a_text(client, body, sid).text).find("Message")
    return "" if said is None else said.text or ""


def html_of(client, path: str = "/", accept: str = "") -> str:
    return client.get(path, headers={"Accept-Language": accept}).text


@pytest.mark.parametrize(
    ("accept", "tag", "direction"),
    [
        ("eo", "eo", "ltr"),
        ("sv, EO-x;q=0.5", "eo", "ltr"),
        ("ar-EG", "ar", "rtl"),
        ("pt-BR", "pt-BR", "ltr"),
        ("pt-PT, en", "pt-BR", "ltr"),
        ("sv", "en", "ltr"),
    ],
)
def test_a_page_speaks_it_in_its_direction(client, accept, tag, direction):
    page = html_of(client, accept=accept)
    assert f'<html lang="{tag}" dir="{direction}">' in page
    assert (f"<h1>{PREFIX}" in page) == (tag != "en")


@pytest.mark.parametrize("tag", ["eo", "pt-BR"])
def test_a_page_offers_it_and_remembers_the_choice(client, tag):
    assert f'<a href="?lang={tag}" lang="{tag}" hreflang="{tag}">' in html_of(client)
    assert f"<h1>{PREFIX}" in html_of(client, f"/?lang={tag}")
    chosen = html_of(client)
    assert f'<html lang="{tag}"' in chosen
    assert '<span aria-current="true">' in chosen


def test_the_console_has_the_direction_too(client):
    assert '<html lang="ar" dir="rtl">' in html_of(client, "/staff/sign-in", "ar")


def test_it_is_understood_in_texts_and_answered_with_a_reply_word(app, client, clock):
    headers, callback = book_in(app, client, clock, "eo")
    assert [row.locale for row in all_rows(app, Customer)] == ["eo"]
    assert answer_to(client, "ZUZÚcheck", "SM1").startswith(f"Example Bank: {PREFIX}We are NOT")
    code = start(client, clock, headers, callback)
    assert PREFIX in answer_to(client, "zuzucheck", "SM2")
    genuine = answer_to(client, code, "SM3")
    assert "GENUINE" in genuine
    assert set(re.findall(r"\w+", genuine)) & set(REPLY_WORDS)


def test_a_report_is_made_in_its_words(app, client, clock):
    book_in(app, client, clock, "eo")
    assert PREFIX in answer_to(client, "zuzuscam", "SM1")
    answer_to(client, "zuzuhidden", "SM2")
    answer_to(client, "zuzuticket zuzuname", "SM3")
    (report,) = all_rows(app, Report)
    assert report.number_hidden


def test_a_customer_is_told_of_a_call_with_its_dates(app, clock):
    voice = context(app).policy.message_context_for("eo", "UTC")
    said = text_templates.text_booked(voice, "Ana", clock.now, "your router")
    start = rf"Example Bank: {PREFIX}Ana will ring you 24\. \w+, \w+, 10:02 about your router\."
    assert re.match(start, said)
    assert said.endswith("Not wanted? Text ZUZUREFUSE")
    shown = LocalClock(ZoneInfo("UTC"), "eo", clock.now).format_full_date(clock.now.date())
    assert re.fullmatch(r"2026 \w+ 24", shown)


def test_the_official_line_offers_and_speaks_it(client):
    line = Line(client, country="BR")
    assert line.said.startswith(f"{PREFIX}This is Example Bank.")
    line.key("*")
    assert line.language == ["en-GB", "eo-Zu", "ar-Zu", "pt-BR-Zu"]
    assert f"{PREFIX}For English, press 2." in line.said
    line.key("2")
    assert line.language == ["eo-Zu"]
    assert line.said.startswith(f"{PREFIX}Please key in")
    assert Line(client, country="BR").language == ["pt-BR-Zu"]
    assert Line(client, country="PT").language == ["pt-BR-Zu"]
    assert Line(client, country="EG").language == ["ar-Zu"]


def test_canaries_have_its_names():
    first, last = fake_names.generate_fake_name("eo").split(" ")
    assert {f'"{first}"', f'"{last}"'} <= set(NAMES)


def test_the_translators_command_calls_it_complete(app, prepared):
    said = run(app, "check", "eo", "pt-br")
    assert said.exit_code == 0
    assert "Esperanto (in use): ✓ complete: 1," in said.output
    assert "100 reply words, voice eo-001, written ltr" in said.output
    assert "Portuguese (Brazil) (in use): ✓ complete" in said.output


def run(app, *arguments: str):
    with app.app_context():
        return CliRunner().invoke(languages_group, arguments)
