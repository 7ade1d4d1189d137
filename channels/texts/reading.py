"""What a customer's text asks for."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from verification import codes

WORDS = ("check", "scam", "move", "refuse")
MAX_LENGTH = 1600


@dataclass(frozen=True)
class Asked:
    """``word`` is ``code``, one of :data:`WORDS`, or ``other``; ``code`` in plain digits."""

    word: str
    code: str = ""


def read(body: str, digits: int) -> Asked:
    """What is asked. Letter case, spaces, hyphens and the digits' script do not matter; a code
    may stand anywhere in a short sentence, as long as there is only one."""
    text = unicodedata.normalize("NFKC", body[:MAX_LENGTH]).strip()
    whole = codes.normal(text, digits)
    if whole is not None:
        return Asked("code", whole)
    found = _codes_in(text, digits)
    if len(found) == 1:
        return Asked("code", found.pop())
    letters = re.findall(r"[^\W\d_]+", text.lower())
    if letters and letters[0] in WORDS and len(letters) <= 5:
        return Asked(letters[0])
    return Asked("other")


def _codes_in(text: str, digits: int) -> set[str]:
    """Every run of digits, single spaces or hyphens between them allowed, that is just as long."""
    plain = "".join(_digit(c) for c in text)
    runs = (re.sub(r"\D", "", run) for run in re.findall(r"(?<!\+)\b\d(?:[ \-.]?\d)*", plain))
    return {run for run in runs if len(run) == digits}


def _digit(char: str) -> str:
    value = unicodedata.decimal(char, None)
    return char if value is None else str(value)
