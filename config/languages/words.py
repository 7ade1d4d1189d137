"""Words as the readers of customers' texts see them: case and accents do not matter."""

from __future__ import annotations

import re
import unicodedata

WORD_PATTERN = re.compile(r"[^\W\d_]+")


def plain_word(word: str) -> str:
    """Return the word in lower case without accents: ``PRÜFEN`` as ``prufen``."""
    return "".join(c for c in unicodedata.normalize("NFKD", word.lower()) if c.isalpha())


def is_one_word(text: str) -> bool:
    """Tell whether the readers take ``text`` for one word of letters. Scripts that write vowels as
    marks between letters, like Devanagari, are not read yet."""
    return bool(WORD_PATTERN.fullmatch(unicodedata.normalize("NFKC", text)))
