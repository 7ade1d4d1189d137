"""Every text that can be sent and every sentence that can be spoken, each with sample values."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import product

from config.languages.registry import language_for
from messaging import report_texts, text_templates, verdict_texts, voice_templates
from messaging.message_context import MessageContext

PHONE = "+44 20 7946 0123"
START = datetime(2026, 9, 26, 13, 0, tzinfo=UTC)


def told(voice: MessageContext, agent: str, topic: str, at: datetime) -> Iterator[tuple[str, str]]:
    """Each text that can be sent, with the name of what makes it."""
    values = {
        "agent": agent,
        "topic": topic,
        **dict.fromkeys(("when", "booked_for", "confirmed_at", "since", "at", "instead_of"), at),
        "times": [at, at, at],
        "number": "482915",
        "reply_word": max(language_for(voice.locale).reply_words, key=len),
        "reference": "RABCDEFG",
        "phrase": "blue teapot",
        "ending": "57",
        "off": True,
    }
    for make in [f for module in TEXT_MODULES for f in makers(module)]:
        if make in (
            text_templates.say_page_number,
            report_texts.format_case_line,
            report_texts.format_case_kind,
        ):
            continue  # spoken, or a part of another
        wanted = list(inspect.signature(make).parameters)[1:]
        chosen = [CHOICES[name] for name in wanted if name in CHOICES]
        names = [name for name in wanted if name in CHOICES]
        for ways in product(*chosen):
            if make is report_texts.text_report_unclear and "" in ways:
                continue  # nothing was asked
            given_here = {**values, **dict(zip(names, ways, strict=True))}
            yield make.__name__, make(voice, **{name: given_here[name] for name in wanted})


#: Where the wording of texts is.
TEXT_MODULES = (text_templates, verdict_texts, report_texts)
#: Some texts contain one of these.
CHOICES = {
    "channel": ("text", "web", "api", "keypad"),
    "question": ("number", "knew", ""),
    "key": report_texts.REPORT_OUTCOMES,
    "cases": ([("CABCDEFG", "access")], [("CABCDEFG", "access")] * 4),
}


def makers(module: object) -> list[Callable[..., str]]:
    """The functions of a module that say something in somebody's voice."""
    found = [f for _, f in inspect.getmembers(module, inspect.isfunction)]
    return [f for f in found if next(iter(inspect.signature(f).parameters), "") == "voice"]


def spoken(voice: MessageContext) -> Iterator[tuple[str, str]]:
    """Each sentence that can be spoken, with the name of what makes it."""
    values = {
        "digits": 6,
        "agent": "Ana",
        "topic": "X",
        "reply_word": "sol",
        "at": "14:00",
        "key": 2,
        "when": START,
        "offered": [START, START],
        "booked": True,
        "ending": "57",
        "off": True,
        "text": "RABCDEFG",
    }
    for make in makers(voice_templates):
        wanted = list(inspect.signature(make).parameters)[1:]
        yield make.__name__, make(voice, **{name: values[name] for name in wanted})
