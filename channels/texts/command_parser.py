"""What a customer's text asks for."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from verification import codes

#: What a customer can text, in each language we speak; any of them will do for everybody. None is
#: a word that carriers take for themselves (rule M3). Written without accents and in lower case.
COMMAND_WORDS = {
    "check": "check",
    "scam": "scam",
    "move": "move",
    "refuse": "refuse",
    "phrase": "phrase",
    "page": "page",
    "pruefen": "check",
    "prufen": "check",
    "betrug": "scam",
    "verschieben": "move",
    "ablehnen": "refuse",
    "satz": "phrase",
    "seite": "page",
    "comprobar": "check",
    "estafa": "scam",
    "mover": "move",
    "rechazar": "refuse",
    "frase": "phrase",
    "pagina": "page",
}
MAX_TEXT_LENGTH = 1600
#: A word alone, or with a little around it; a longer text is a story, not a wish.
_MAX_COMMAND_WORDS = 5
#: The number of a time alone, or with a word or two: ``2``, ``No 2 please``.
_PICKED_PATTERN = re.compile(r"[^\d:/+]{0,10}([1-9])[^\d:/+]{0,8}")


@dataclass(frozen=True)
class TextCommand:
    """``word`` is ``code``, ``pick`` for the number of a time that was offered, one of the values
    of :data:`COMMAND_WORDS`, or ``other``; ``code`` in plain digits, the number that was picked
    too; ``rest`` is what follows the word, as it was written."""

    word: str
    code: str = ""
    rest: str = ""


def parse_text_command(body: str, digits: int) -> TextCommand:
    """What is asked. Letter case, spaces, hyphens and the digits' script do not matter; a code
    may stand anywhere in a short sentence, as long as there is only one."""
    text = unicodedata.normalize("NFKC", body[:MAX_TEXT_LENGTH]).strip()
    whole = codes.normalise_code(text, digits)
    if whole is not None:
        return TextCommand("code", whole)
    found = _codes_in(text, digits)
    if len(found) == 1:
        return TextCommand("code", found.pop())
    picked = _PICKED_PATTERN.fullmatch("".join(_ascii_digit(c) for c in text))
    if picked:
        return TextCommand("pick", picked[1])
    letters = list(re.finditer(r"[^\W\d_]+", text))
    word = COMMAND_WORDS.get(_plain_command_word(letters[0][0])) if letters else None
    if word == "phrase":
        return TextCommand(word, rest=text[letters[0].end() :].strip(" :=-.!?\"'“”„«»‘’"))
    if word and len(letters) <= _MAX_COMMAND_WORDS:
        return TextCommand(word)
    return TextCommand("other")


def _plain_command_word(word: str) -> str:
    """In lower case without accents: ``PRÜFEN`` as ``prufen``."""
    return "".join(c for c in unicodedata.normalize("NFKD", word.lower()) if c.isalpha())


def _codes_in(text: str, digits: int) -> set[str]:
    """Every run of digits, single spaces or hyphens between them allowed, that is just as long."""
    plain = "".join(_ascii_digit(c) for c in text)
    runs = (re.sub(r"\D", "", run) for run in re.findall(r"(?<!\+)\b\d(?:[ \-.]?\d)*", plain))
    return {run for run in runs if len(run) == digits}


def _ascii_digit(char: str) -> str:
    value = unicodedata.decimal(char, None)
    return char if value is None else str(value)
