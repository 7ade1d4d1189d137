"""M3: no word that we ask for is one that carriers take for themselves; an opt-out is honoured."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest

from channels.texts.command_parser import parse_text_command
from config.languages import registry
from config.languages.registry import FOLDER
from config.languages.vocabulary import customer_vocabulary
from messaging.models import InboundText, OptOut
from tests.channels.support import AUTH_TOKEN, a_text, all_rows
from tests.message_samples import TEXT_MODULES
from verification.reply_words import choose_reply_word

pytestmark = pytest.mark.settings(
    public_url="https://check.example.org", twilio_auth_token=AUTH_TOKEN
)
#: What carriers and Twilio act on by themselves, by their own lists: CTIA's English and Spanish
#: words, those of toll-free numbers, and what is usual where our other languages are spoken.
_TAKEN = """
stop stopall unsubscribe cancel end quit revoke optout start yes unstop help info arret arreter
alto baja parar cancelar fin salir ayuda inicio empezar si comenzar detener
stopp abmelden abbestellen abbrechen beenden ende hilfe ja anmelden weiter nein aus austragen
"""
CARRIERS = frozenset(_TAKEN.split())
OPT_OUTS = ["STOP", "stop", " Stop. ", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"]
OPT_OUTS += ["REVOKE", "OPTOUT", "opt out"]
REPLY_WORDS = {each.code: each.reply_words for each in registry.load_usable_languages(FOLDER)}
LANGUAGES = sorted(REPLY_WORDS)
COMMANDS = customer_vocabulary().commands


def plain(word: str) -> str:
    parts = unicodedata.normalize("NFD", word.lower())
    return "".join(c for c in parts if not unicodedata.combining(c))


@pytest.mark.parametrize("locale", LANGUAGES)
def test_no_reply_word_is_a_carriers_or_a_command_of_ours(locale):
    taken = CARRIERS | set(COMMANDS)
    assert [word for word in REPLY_WORDS[locale] if plain(word) in taken] == []


@pytest.mark.parametrize("locale", LANGUAGES)
def test_a_reply_word_is_short_and_one_of_many(locale):
    words = REPLY_WORDS[locale]
    assert len(set(words)) == len(words) >= 100
    assert [word for word in words if not re.fullmatch(r"[a-z]{2,10}", plain(word))] == []


@pytest.mark.parametrize("locale", LANGUAGES)
def test_a_reply_word_texted_to_us_by_mistake_is_taken_for_nothing(locale):
    assert {parse_text_command(word, 6).word for word in REPLY_WORDS[locale]} == {"other"}


def test_no_word_that_a_customer_can_text_is_a_carriers():
    assert CARRIERS.isdisjoint(COMMANDS)
    for word in CARRIERS:
        assert parse_text_command(word, 6).word == "other"


def test_no_text_of_ours_in_any_language_asks_for_a_carriers_word():
    """Words to reply with are in capitals."""
    sources = [*(Path(module.__file__) for module in TEXT_MODULES), *FOLDER.glob("*/*/*.po")]
    assert len(sources) >= len(LANGUAGES)
    told = {word for source in sources for word in re.findall(r"\b[A-Z]{3,}\b", source.read_text())}
    assert {parse_text_command(word, 6).word for word in told} >= set(COMMANDS.values())
    assert [word for word in sorted(told) if plain(word) in CARRIERS] == []


def test_reply_words_come_from_the_customers_language_or_from_english():
    for locale, of in (("de", "de"), ("es_MX", "es"), ("en_GB", "en"), ("fi", "en"), ("", "en")):
        assert {choose_reply_word(locale) for _ in range(50)} <= set(REPLY_WORDS[of])
    assert len({choose_reply_word("en") for _ in range(200)}) > 60


@pytest.mark.parametrize("body", OPT_OUTS)
def test_an_opt_out_is_left_to_the_provider_and_answered_with_nothing(app, client, body):
    """Whether or not the provider says so in a field of its own, no text of ours may follow."""
    for more in ({}, {"OptOutType": "STOP"}):
        answer = a_text(client, body, "SM1", **more)
        assert answer.status_code == 200
        assert "Message" not in answer.text
    assert [row.word for row in all_rows(app, InboundText)] == ["opt_out"]
    assert len(all_rows(app, OptOut)) == 1


@pytest.mark.parametrize("body", ["stop calling me", "please end", "CHECK", "no", "Yes", "end?x"])
def test_what_is_no_opt_out_is_answered(client, body):
    assert "Message" in a_text(client, body, "SM1").text
