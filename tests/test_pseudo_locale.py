"""Whatever people read is translated: no page, text or call shows a word that is in no catalogue.

Data is not translated. What counts as data is in :data:`DATA`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from channels import app_context
from channels.console.account.sign_in_labels import NOTICES
from messaging import mail_templates
from messaging.mail_templates import MailContext
from messaging.message_context import MessageContext
from tests import databases, pseudo_locale
from tests.message_samples import PHONE, START, spoken, told
from tests.pseudo_locale import LANGUAGE
from tests.security_rules.support import closed_routes
from tests.security_rules.support.closed_routes import LEAVING, ROUTES, House
from vault.errors import KeyUnavailable

#: What people typed, names, and the words of other tongues. As few as possible.
DATA = (
    *("Gwen", "Jones", "Ana", "Bob", "Sue", "Ivy", "Carl", "Ortiz", "Eve", "Hall", "Silva"),
    *("Example Bank", "Key", "Phone", "as she told us on the phone", "She asked who looked"),
    *("Ring her back", "Rang her back", "Seen with it", "One and the same", "For the police"),
    *("Day", "Night", "your router", "about your router", "blue teapot", "green kettle"),
    *("your bill", "x+", "GB", "Firefox, Linux"),
    *("English", "Deutsch", "español", "Englisch", "Spanisch", "Vouchline"),
    r"T-\d+",
    r"…[0-9a-f]{6}",
    r"[A-Z0-9]{5}-[A-Z0-9]{5}",
    r"[CR][0-9A-Z]{7}",
    r"[\w.+-]+@[\w.-]+\w",
    r"https?://\S+",
    r"[A-Z]\w+/[A-Z][\w/+-]+",  # time zones
    r"\b(?:UTC|GMT|BST|Uhr)\b",
)


class GermanHouse(House):
    """Every browser reads the language whose catalogue is replaced."""

    def _browser(self, who: str) -> Any:
        browser = super()._browser(who)
        browser.set_cookie("lang", LANGUAGE, secure=True)
        return browser


@pytest.fixture(scope="module")
def allowed() -> re.Pattern[str]:
    dates = (rf"\b{re.escape(word)}\b" for word in pseudo_locale.date_words())
    return re.compile("|".join((*(rf"(?<!\w)(?:{item})(?!\w)" for item in DATA), *dates)))


@pytest.fixture(scope="module")
def house(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    with pseudo_locale.pseudo_locale():
        made = GermanHouse(databases.sqlite_copy(sqlite_template, folder), folder)
        yield made
        made.console.context.engine.dispose()


def read(house: House, name: str, allowed: re.Pattern[str]) -> list[str]:
    """Ask, follow where it leads, and return what is not translated."""
    answer = house.ask(name)
    if answer.status_code == 303:
        answer = house._browser(ROUTES[name].who).get(answer.location)
    if answer.mimetype != "text/html":
        return []
    return pseudo_locale.list_untranslated_in_page(answer.text, allowed)


def pages(house: House, method: str) -> list[str]:
    """The rows of the routes that show a page, those that end a session last."""
    people = (*closed_routes.SIGNED_IN, closed_routes.CUSTOMER, closed_routes.ANYBODY)
    names = [
        name
        for name, row in ROUTES.items()
        if row.who in people and name.endswith(method) and not row.script
    ]
    return [name for name in names if not house.asks()[name][0].startswith(("/api/", "/demo/"))]


def untranslated(house: House, allowed: re.Pattern[str], names: list[str]) -> dict[str, str]:
    """Return what is not translated, with one of the routes that show it."""
    return {line: name for name in names for line in read(house, name, allowed)}


def test_every_page_is_translated(house, allowed):
    assert untranslated(house, allowed, pages(house, "GET")) == {}


@pytest.mark.parametrize("typed", ["", "x" * 500])
def test_what_a_form_answers_to_bad_input_is_translated(house, allowed, monkeypatch, typed):
    names = [name for name in pages(house, "POST") if name not in LEAVING]
    for name in names:
        wrong = dict.fromkeys(ROUTES[name].data, typed)
        monkeypatch.setitem(ROUTES, name, replace(ROUTES[name], data=wrong))
    assert untranslated(house, allowed, names) == {}


#: Who asks for what, and gets an error page with this status.
ERRORS = (
    (closed_routes.ANYBODY, "GET", "/nothing", 404),
    (closed_routes.CUSTOMER, "GET", "/my/nothing", 404),
    (closed_routes.CUSTOMER, "POST", "/my/settings", 400),
    (closed_routes.ANYBODY, "DELETE", "/check", 405),
    (closed_routes.ANYBODY, "POST", "/staff/sign-in", 400),
    (closed_routes.AGENT, "GET", "/staff/nothing", 404),
    (closed_routes.AGENT, "GET", "/staff/team", 403),
    (closed_routes.AGENT, "DELETE", "/staff/day", 405),
    (closed_routes.AGENT, "POST", "/staff/report", 400),
    (closed_routes.SUPERVISOR, "GET", "/staff/cases", 403),
    (closed_routes.INVESTIGATOR, "GET", "/staff/day", 403),
    (closed_routes.INVESTIGATOR, "GET", "/staff/audit?before=nothing", 422),
)


@pytest.mark.parametrize(("who", "method", "path", "status"), ERRORS, ids=str)
def test_every_error_page_is_translated(house, allowed, who, method, path, status):
    answer = house._browser(who).open(path, method=method)
    assert answer.status_code == status
    assert pseudo_locale.list_untranslated_in_page(answer.text, allowed) == []


@pytest.mark.parametrize("path", ["/check", "/my", "/staff/day"])
def test_what_is_said_without_a_store_is_translated(house, allowed, monkeypatch, path):
    def gone(*_: object, **__: object) -> None:
        raise KeyUnavailable("gone")

    monkeypatch.setattr(app_context, "transaction", gone)
    who = closed_routes.AGENT if path.startswith("/staff") else closed_routes.CUSTOMER
    answer = house._browser(who).get(path)
    assert answer.status_code == (200 if path == "/check" else 503)
    assert pseudo_locale.list_untranslated_in_page(answer.text, allowed) == []


def test_every_mail_is_translated(allowed):
    with pseudo_locale.pseudo_locale():
        mail = MailContext("Example Bank", LANGUAGE)
        line = mail_templates.note_line(mail, START, "Europe/Berlin", "1a2b3c", "asked_us")
        texts = [
            mail_templates.sign_in_subject(mail),
            mail_templates.note_subject(mail, START.date()),
            mail_templates.note_body(mail, [line]),
            *(mail.gettext(text) for text in NOTICES.values()),
        ]
    assert [pseudo_locale.list_untranslated(text, allowed) for text in texts] == [[]] * len(texts)


@pytest.mark.parametrize("samples", [told, spoken])
def test_every_text_and_spoken_sentence_is_translated(allowed, samples):
    values = ("Ana", "your router", START) if samples is told else ()
    with pseudo_locale.pseudo_locale():
        voice = MessageContext("Example Bank", PHONE, LANGUAGE, "Europe/Berlin")
        said = list(samples(voice, *values))
    left = {name: pseudo_locale.list_untranslated(text, allowed) for name, text in said}
    assert len(said) > 10
    assert {name: lines for name, lines in left.items() if lines} == {}


def test_what_a_form_answers_when_it_is_done_is_translated(house, allowed):
    """The last one that asks the house: afterwards its people are signed out."""
    assert untranslated(house, allowed, pages(house, "POST")) == {}
