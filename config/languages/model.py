"""What a language's folder holds besides its catalogue, as immutable values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal

from babel.dates import parse_pattern
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from config.languages.words import is_one_word, plain_word

MIN_REPLY_WORDS = 100
MIN_NAMES = 20
_QUOTED = re.compile(r"'[^']*'")
#: The letters of CLDR's patterns for what a date must not leave out.
_PATTERN_LETTERS = {"day": "d", "month": "ML", "year": "y", "hour": "HhKk", "minute": "m"}


def _fold_listed_word(text: str) -> str:
    if not is_one_word(text):
        raise ValueError(f'"{text}" is not one word of letters')
    return plain_word(text)


def _require_words(values: tuple[str, ...]) -> tuple[str, ...]:
    return _require_distinct(values, 1)


def _require_names(values: tuple[str, ...]) -> tuple[str, ...]:
    return _require_distinct(values, MIN_NAMES)


def _require_distinct(values: tuple[str, ...], least: int) -> tuple[str, ...]:
    if len(values) < least:
        raise ValueError(f"has {len(values)} and needs at least {least}")
    twice = sorted({value for value in values if values.count(value) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)} twice (case and accents do not count)")
    return values


def check_date_pattern(pattern: str, *fields: str) -> str:
    """Return a date pattern of CLDR. Raises ``ValueError`` for an invalid one, and for one that
    leaves out one of ``fields``."""
    try:
        parse_pattern(pattern)
    except ValueError as error:
        raise ValueError(f'"{pattern}" is no pattern: {error}') from None
    written = _QUOTED.sub("", pattern)
    missing = [field for field in fields if not set(_PATTERN_LETTERS[field]) & set(written)]
    if missing:
        raise ValueError(f'"{pattern}" has no {", ".join(missing)}')
    return pattern


def _require_day_time(pattern: str) -> str:
    return check_date_pattern(pattern, "day", "month", "hour", "minute")


def _require_day_time_year(pattern: str) -> str:
    return check_date_pattern(pattern, *_PATTERN_LETTERS)


def _require_full_date(pattern: str) -> str:
    return pattern if pattern == "long" else check_date_pattern(pattern, "day", "month", "year")


def _require_voice_tag(tag: str) -> str:
    if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", tag):
        raise ValueError(f'"{tag}" is no language tag like en-GB')
    return tag


ListedWord = Annotated[str, AfterValidator(_fold_listed_word)]
WordList = Annotated[tuple[ListedWord, ...], AfterValidator(_require_words)]
Name = Annotated[str, Field(min_length=2, max_length=40, pattern=r"^\S(.*\S)?$")]
NameList = Annotated[tuple[Name, ...], AfterValidator(_require_names)]


class _Part(BaseModel):
    """A part of a file: every key is required, unless it has a default, and no other is allowed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DatePatterns(_Part):
    """Date patterns of CLDR (Unicode TR 35): day and time without and with the year, and a date."""

    day_time: Annotated[str, AfterValidator(_require_day_time)]
    day_time_year: Annotated[str, AfterValidator(_require_day_time_year)]
    full_date: Annotated[str, AfterValidator(_require_full_date)]


class Voice(_Part):
    """The voice that speaks the language: its tag (BCP 47), and its name at a provider that does
    not take the tag."""

    tag: Annotated[str, AfterValidator(_require_voice_tag)]
    providers: Annotated[Mapping[str, str], AfterValidator(MappingProxyType)]


class LanguageFile(_Part):
    """``language.toml``."""

    direction: Literal["ltr", "rtl"]
    dates: DatePatterns
    voice: Voice


class CommandWords(_Part):
    """The words of each command that a customer can text, folded."""

    check: WordList
    scam: WordList
    move: WordList
    refuse: WordList
    phrase: WordList
    page: WordList


class KnewWords(_Part):
    """The words for what a reported caller knew, folded."""

    name: WordList
    phone: WordList
    ticket: WordList
    product: WordList
    address: WordList


class AnswerWords(_Part):
    """The words that answer the questions about a report, folded."""

    skip: WordList
    none: WordList
    hidden: WordList
    knew: KnewWords


class WordsFile(_Part):
    """``words.toml``."""

    carriers: WordList
    commands: CommandWords
    answers: AnswerWords


class NamesFile(_Part):
    """``names.toml``."""

    first: NameList
    last: NameList


@dataclass(frozen=True)
class Language:
    """A language that we speak. ``code`` is its folder's name; ``reply_words`` keep their accents,
    all other words are folded."""

    code: str
    direction: Literal["ltr", "rtl"]
    dates: DatePatterns
    voice: Voice
    words: WordsFile
    reply_words: tuple[str, ...]

    def voice_name_for(self, provider: str) -> str:
        """Return what a provider calls the voice."""
        return self.voice.providers.get(provider, self.voice.tag)


def iterate_word_lists(part: CommandWords | KnewWords) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the meanings of a part and the words for each."""
    for meaning in type(part).model_fields:
        yield meaning, getattr(part, meaning)
