"""Parses the command in a customer's text."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from config.languages.vocabulary import customer_vocabulary
from config.languages.words import WORD_PATTERN, plain_word
from verification import codes

MAX_TEXT_LENGTH = 1600
#: A longer text is a story, not a command.
_MAX_COMMAND_WORDS = 5
#: The number of an offered time, alone or with a few words: ``2``, ``No 2 please``.
_PICKED_PATTERN = re.compile(r"[^\d:/+]{0,10}([1-9])[^\d:/+]{0,8}")


@dataclass(frozen=True)
class TextCommand:
    """A command. ``word`` is ``code``, ``pick`` for the number of an offered time, a command of
    :class:`config.languages.model.CommandWords`, or ``other``. ``code`` is the code or the picked
    number in plain digits; ``rest`` is the text after the word, as it was written."""

    word: str
    code: str = ""
    rest: str = ""


def parse_text_command(body: str, digits: int) -> TextCommand:
    """Parse a text. Case, spaces, hyphens and the script of the digits do not matter. A code of
    ``digits`` digits can be anywhere in a short sentence if it is the only one."""
    text = unicodedata.normalize("NFKC", body[:MAX_TEXT_LENGTH]).strip()
    whole = codes.normalise_code(text, digits)
    if whole is not None:
        return TextCommand("code", whole)
    candidates = _codes_in(text, digits)
    if len(candidates) == 1:
        return TextCommand("code", candidates.pop())
    picked = _PICKED_PATTERN.fullmatch("".join(_ascii_digit(c) for c in text))
    if picked:
        return TextCommand("pick", picked[1])
    letters = list(WORD_PATTERN.finditer(text))
    known = customer_vocabulary().commands
    word = known.get(plain_word(letters[0][0])) if letters else None
    if word == "phrase":
        return TextCommand(word, rest=text[letters[0].end() :].strip(" :=-.!?\"'“”„«»‘’"))
    if word and len(letters) <= _MAX_COMMAND_WORDS:
        return TextCommand(word)
    return TextCommand("other")


def _codes_in(text: str, digits: int) -> set[str]:
    """Return every run of exactly ``digits`` digits; single spaces or hyphens between them are
    allowed."""
    plain = "".join(_ascii_digit(c) for c in text)
    runs = (re.sub(r"\D", "", run) for run in re.findall(r"(?<!\+)\b\d(?:[ \-.]?\d)*", plain))
    return {run for run in runs if len(run) == digits}


def _ascii_digit(char: str) -> str:
    value = unicodedata.decimal(char, None)
    return char if value is None else str(value)
