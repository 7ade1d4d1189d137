"""Parses a text that answers a question about a report. Only for texts without a command: a code
and the command words keep their meaning."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from config.languages.vocabulary import customer_vocabulary
from config.languages.words import WORD_PATTERN, plain_word
from incidents.reports.report_fields import NUMBER_LIMIT

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
    words = [plain_word(word) for word in WORD_PATTERN.findall(text)]
    if len(words) > _MAX_ANSWER_WORDS:
        return ReportAnswer()
    number = _find_shown_number(text)
    if number:
        return ReportAnswer(number=number)
    known = customer_vocabulary()
    knew = tuple(dict.fromkeys(known.knew[word] for word in words if word in known.knew))
    if knew:
        return ReportAnswer(knew=knew)
    if not known.hidden.isdisjoint(words):
        return ReportAnswer(hidden=True)
    return ReportAnswer(skipped=not known.skip.isdisjoint(words))


def _find_shown_number(text: str) -> str:
    plain = "".join(str(unicodedata.decimal(c, c)) for c in text)
    runs = [
        match_
        for match_ in _NUMBER.findall(plain)
        if len(re.sub(r"\D", "", match_)) in _DIGIT_COUNTS
    ]
    return runs[0][:NUMBER_LIMIT].strip() if len(runs) == 1 else ""
