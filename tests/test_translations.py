"""Every language says everything, and every text fits, whatever language it is in."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from channels.texts import command_parser
from config.languages.registry import SOURCE_LANGUAGE, language_for
from config.languages.vocabulary import customer_vocabulary
from config.settings import Settings
from messaging import i18n, segments
from messaging.message_context import MessageContext
from people.errors import InvalidInput
from people.text_input import clean_text_input
from scheduling.booking.bookings import TOPIC_LIMIT
from tests.message_samples import PHONE, START, spoken, told

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = Settings(_env_file=None).languages
TRANSLATED = [item for item in LANGUAGES if item != SOURCE_LANGUAGE]
CARRIERS = set(language_for(SOURCE_LANGUAGE).words.carriers)
COMMANDS = customer_vocabulary().commands
EXTENDED = frozenset("^{}\\[~]|€")
ONE, TWO = 160, 306

_PLACE = re.compile(r"%\(\w+\)[a-z]|\{\w*\}|%(?!\()")
_LINK = re.compile(r"(?i)https?:|www\.|\w\.[a-z]{2,}\b|\w/\w")


def stored(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file)


def template() -> Catalog:
    return stored(ROOT / "languages/messages.pot")


def catalogue(language: str) -> Catalog:
    return stored(ROOT / f"languages/{language}/LC_MESSAGES/messages.po")


def messages(found: Catalog) -> dict[tuple[str, ...], tuple[str, ...]]:
    """What is said by what it is called: singular and plural, mostly one."""
    return {forms(item.id): forms(item.string) for item in found if item.id}


def forms(text: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


# --- The catalogues -----------------------------------------------------------------


def test_the_template_holds_what_the_sources_say_now(tmp_path):
    """Run ``make translations`` where this fails, and translate what is new."""
    fresh = tmp_path / "messages.pot"
    where = ["-F", "languages/babel.cfg", "-o", str(fresh), "--no-location", "."]
    pybabel = [sys.executable, "-m", "babel.messages.frontend", "-q", "extract"]
    subprocess.run([*pybabel, *where], cwd=ROOT, check=True)
    assert set(messages(stored(fresh))) == set(messages(template()))


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_catalogue_says_everything_and_nothing_else(language):
    found = catalogue(language)
    assert set(messages(found)) == set(messages(template()))
    assert not found.obsolete
    assert [item.id for item in found if item.id and item.fuzzy] == []
    assert [item.id for item in found if item.id and not all(forms(item.string))] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_keeps_the_placeholders_and_the_space_around(language):
    for original, said in messages(catalogue(language)).items():
        wanted = Counter(_PLACE.findall(original[-1]))
        for form in said:
            assert Counter(_PLACE.findall(form)) == wanted, original
            assert form == form.strip(), original


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_sentence_is_left_in_english(language):
    same = [i[0] for i, said in messages(catalogue(language)).items() if i == said]
    assert [item for item in same if len(_PLACE.sub("", item).split()) > 1] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_what_is_compiled_is_what_is_written(language):
    compiled = ROOT / f"languages/{language}/LC_MESSAGES/messages.mo"
    fresh = io.BytesIO()
    write_mo(fresh, catalogue(language))
    fresh.seek(0)
    with compiled.open("rb") as file:
        assert messages(read_mo(file)) == messages(read_mo(fresh))


# --- The texts ------------------------------------------------------------------------


def septets(text: str) -> int:
    """How long a text is on the air; it must hold nothing but GSM-7."""
    outside = {char for char in text if char not in i18n.GSM7}
    assert not outside, (outside, text)
    return sum(2 if char in EXTENDED else 1 for char in text)


TOPICS = {"en": "your new router", "de": "Ihr neuer Router", "es": "su línea de casa"}
WEEK = [START + timedelta(days=day) for day in range(7)]


@pytest.mark.parametrize("at", WEEK, ids=lambda at: f"{at:%a}")
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_ordinary_text_is_one_segment(language, at):
    voice = MessageContext("Example Bank", PHONE, language, "Europe/Madrid")
    for name, text in told(voice, "Benjamin", TOPICS[language], at):
        assert septets(text) <= ONE, (name, septets(text), text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_safe_phrase_makes_no_text_more_than_two_segments(language):
    voice = MessageContext("Example Bank", PHONE, language, "Europe/Madrid", "m" * 20)
    for name, text in told(voice, "María-José Benjamin", TOPICS[language], START):
        assert segments.count_segments(text) == (1 if septets(text) <= ONE else 2), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_longest_text_is_two_segments(language):
    voice = MessageContext("Öst" * 13 + "x", "+49 89 12345678 999", language, "Europe/Berlin")
    for name, text in told(voice, "María-José" * 6, "[Ärger] " * (TOPIC_LIMIT // 8), START):
        assert septets(text) <= TWO, (name, septets(text), text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_day_of_the_year_is_written_in_cheap_letters(language):
    for day in range(366):
        septets(
            i18n.fold_to_gsm7(i18n.format_day_and_time(START + timedelta(day), "UTC", language))
        )


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_holds_a_link_or_a_code(language):
    voice = MessageContext("Example Bank", PHONE, language, "UTC")
    for name, text in told(voice, "Ana", "X", START):
        assert not _LINK.search(text), name
        # The page number opens a page for who asked for it there; it is no check number.
        secret = text.replace(PHONE, "").replace(
            "482915", "" if name == "text_page_number" else "482915"
        )
        assert not re.search(r"\d{4,}", secret), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_to_reply_with_are_the_ones_we_understand(language):
    ours = MessageContext("Example Bank", PHONE, language, "UTC")
    english = MessageContext("Example Bank", PHONE, "en", "UTC")
    both = zip(told(ours, "Ana", "X", START), told(english, "Ana", "X", START), strict=True)
    for (name, text), (_, wanted) in both:
        assert replies(text) == replies(wanted), name
    for word, meaning in COMMANDS.items():
        assert command_parser.parse_text_command(word.upper(), 6).word == meaning


def replies(text: str) -> set[str]:
    """What the words in capitals ask for, in whatever language they are."""
    found = {
        command_parser.parse_text_command(word, 6).word
        for word in re.findall(r"\b[A-ZÄÖÜ]{4,}\b", text)
    }
    return found - {"other"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_names_a_word_that_carriers_take_for_themselves(language):
    voice = MessageContext("Example Bank", PHONE, language, "UTC")
    for name, text in told(voice, "Ana", "X", START):
        assert not CARRIERS & set(re.findall(r"\w+", text.lower())), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_reply_words_of_its_own(language):
    words = language_for(language).reply_words
    assert len(set(words)) == len(words) > 99
    assert not (CARRIERS | set(COMMANDS)) & set(words)
    assert all(word.isalpha() and 2 <= len(word) <= 9 for word in words)


@given(st.text())
def test_folding_leaves_what_is_cheap_alone_and_is_done_once(text):
    once = i18n.fold_to_gsm7(text)
    assert i18n.fold_to_gsm7(once) == once
    if i18n.GSM7.issuperset(text):
        assert once == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("sáb María “Núñez”", 'sab Maria "Nuñez"'),
        ("Gwen’s phone – now", "Gwen's phone - now"),
        ("Übergröße, él, ¿qué?", "Übergröße, él, ¿qué?"),
        ("Łukasz 中文 😀", "Łukasz 中文 😀"),
    ],
)
def test_only_what_costs_is_folded(text, written):
    assert i18n.fold_to_gsm7(text) == written


@pytest.mark.parametrize(
    "topic", ["evil.cóm", "evil.ćo/x", "hţtp://x", "ẃww.evil", "a@evíl.example"]
)
def test_folding_makes_no_link_of_what_was_none(topic):
    assert i18n.fold_to_gsm7(topic) == topic


@given(st.text(alphabet="evil.cómćţhp:/ẃw…", max_size=TOPIC_LIMIT))
def test_a_topic_that_was_let_in_holds_no_link_when_it_is_sent(topic):
    try:
        let_in = clean_text_input("topic", topic, limit=TOPIC_LIMIT)
    except InvalidInput:
        return
    clean_text_input("topic", i18n.fold_to_gsm7(let_in), limit=3 * TOPIC_LIMIT)


# --- The spoken line and the pages ------------------------------------------------------


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_spoken_line_says_everything_in_its_language(language):
    here, there = (
        dict(spoken(MessageContext("Example Bank", PHONE, item, "UTC")))
        for item in (SOURCE_LANGUAGE, language)
    )
    for name, text in there.items():
        assert text != here[name], name
        assert "{" not in text, name


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_page_follows_the_browser_or_the_reader(client, language):
    english = re.search("<h1>(.+)</h1>", client.get("/").text)[1]
    heading = f"<h1>{i18n.load_catalogue(language).ugettext(english)}</h1>"
    assert english not in heading
    for tags in (
        language,
        f"{language}-AT, en;q=0.5",
        f"fr, {language.upper()}_ch;q=0.1",
        "en;q=0",
    ):
        page = client.get("/", headers={"Accept-Language": tags}).text
        assert (heading in page) == (tags != "en;q=0"), tags
    assert heading in client.get(f"/?lang={language}", headers={"Accept-Language": "en"}).text


def test_what_goes_wrong_is_said_in_the_readers_language(client):
    assert "Nicht gefunden" in client.get("/nothing", headers={"Accept-Language": "de"}).text
    problem = client.get("/api/v1/nothing", headers={"Accept-Language": "de"})
    assert problem.json["title"] == "Not Found"
