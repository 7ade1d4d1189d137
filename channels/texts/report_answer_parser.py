"""Parses a text that answers a question about a report. Only for texts without a command: a code
and the words of :data:`channels.texts.command_parser.COMMAND_WORDS` keep their meaning."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from incidents.reports.report_fields import NUMBER_LIMIT

#: The words of each answer in the supported languages, in lower case without accents. None is a
#: word that carriers reserve (rule M3); therefore *weiter* is missing in German.
SKIP_WORDS = frozenset({"next", "skip", "naechste", "nachste", "siguiente"})
NONE_WORDS = frozenset({"none", "nothing", "nichts", "keine", "nada", "ninguno", "ninguna"})
HIDDEN_WORDS = frozenset(
    {"hidden", "private", "withheld", "unknown", "unbekannt", "anonym", "oculto"}
)
KNEW_WORDS = {
    "name": "name",
    "nombre": "name",
    "phone": "phone",
    "nummer": "phone",
    "numero": "phone",
    "ticket": "ticket",
    "product": "product",
    "produkt": "product",
    "producto": "product",
    "address": "address",
    "adresse": "address",
    "direccion": "address",
}
_NUMBER = re.compile(r"\+?[\d(][\d ()./-]*\d")
_DIGIT_COUNTS = range(5, 19)
_MAX_ANSWER_WORDS = 8


@dataclass(frozen=True)
class ReportAnswer:
    """An answer: the number that was shown, or that it was ``hidden``; what the caller ``knew``; or
    that the question is skipped. An answer without any of them is false."""

    number: str = ""
    hidden: bool = False
    knew: tuple[str, ...] = ()
    skipped: bool = False

    def __bool__(self) -> bool:
        return bool(self.number or self.hidden or self.knew or self.skipped)


def parse_report_answer(body: str) -> ReportAnswer:
    """Parse a short text. Case, accents and the script of the digits do not matter."""
    text = unicodedata.normalize("NFKC", body[:400])
    words = [_plain_answer_word(match_) for match_ in re.findall(r"[^\W\d_]+", text)]
    if len(words) > _MAX_ANSWER_WORDS:
        return ReportAnswer()
    number = _find_shown_number(text)
    if number:
        return ReportAnswer(number=number)
    word_set = set(words)
    knew = tuple(dict.fromkeys(KNEW_WORDS[word] for word in words if word in KNEW_WORDS))
    if knew:
        return ReportAnswer(knew=knew)
    if word_set & HIDDEN_WORDS:
        return ReportAnswer(hidden=True)
    return ReportAnswer(skipped=bool(word_set & (SKIP_WORDS | NONE_WORDS)))


def _find_shown_number(text: str) -> str:
    plain = "".join(str(unicodedata.decimal(c, c)) for c in text)
    runs = [
        match_
        for match_ in _NUMBER.findall(plain)
        if len(re.sub(r"\D", "", match_)) in _DIGIT_COUNTS
    ]
    return runs[0][:NUMBER_LIMIT].strip() if len(runs) == 1 else ""


def _plain_answer_word(word: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", word.lower()) if c.isalpha())
