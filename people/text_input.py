"""Cleaning of names and short free text that people type."""

from __future__ import annotations

import re
import unicodedata
from enum import Enum

from config.contact_details import Contact, find_contact, space_after_full_stops
from people.errors import InvalidInput

_LINK = re.compile(
    r"(?i)\b(?:https?:|www\.)|\w\.(?:com|net|org|info|io|co|uk|de|es|ru|cn|xyz|top)\b"
)

MIN_REASON_LETTERS = 10
#: Scripts whose letters are joined, or kept apart, by signs that cannot be seen.
_JOINING_SCRIPTS = frozenset(
    {
        *("ARABIC", "SYRIAC", "MONGOLIAN", "NKO", "MANDAIC", "DEVANAGARI", "BENGALI", "GURMUKHI"),
        *("GUJARATI", "ORIYA", "TAMIL", "TELUGU", "KANNADA", "MALAYALAM", "SINHALA", "TIBETAN"),
        *("MYANMAR", "KHMER"),
    }
)


class AllowedContent(Enum):
    """What words may hold beside themselves, by where they go."""

    #: They go into texts and onto customers' pages: no link in any spelling, no number to ring.
    WORDS = "words"
    #: A reference: no link in any spelling, but numbers.
    NUMBERS = "numbers"
    #: Staff alone read them: what looks like an address at a glance is kept out.
    ANYTHING = "anything"


def clean_text_input(
    field: str,
    value: str,
    *,
    limit: int,
    what: str,
    required: bool = True,
    allowed: AllowedContent = AllowedContent.WORDS,
) -> str:
    """``value`` in NFC, on one line, without control characters.

    Raises :class:`InvalidInput` when it is missing, longer than ``limit`` characters, or holds
    more than is ``allowed``: no text of ours carries a link, or a number that somebody typed. Allow
    more than words only where staff alone read it.
    """
    plain = " ".join(unicodedata.normalize("NFC", value).split())
    if any(_is_invisible_char(plain, n) for n in range(len(plain))):
        raise InvalidInput(field, f"The {what} has a character that cannot be shown. Remove it.")
    if required and not plain:
        raise InvalidInput(field, f"Write the {what}.")
    if len(plain) > limit:
        raise InvalidInput(field, f"The {what} is too long: use at most {limit} characters.")
    if allowed is not AllowedContent.ANYTHING:
        _require_no_contact(field, plain, what, allowed)
    elif _LINK.search(plain):
        raise InvalidInput(field, f"The {what} must not hold a link.")
    return plain


def _is_invisible_char(text: str, n: int) -> bool:
    """Whether what stands at ``n`` cannot be shown. A (non-)joiner between letters of a script that
    needs it is a part of the spelling: ``علی‌رضا``."""
    char = text[n]
    if char in "\u200c\u200d" and 0 < n < len(text) - 1:
        return not (_is_joining_letter(text[n - 1]) and _is_joining_letter(text[n + 1]))
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn")


def _is_joining_letter(char: str) -> bool:
    return unicodedata.name(char, "").split(" ")[0] in _JOINING_SCRIPTS and char.isprintable()


def _require_no_contact(field: str, plain: str, what: str, allowed: AllowedContent) -> None:
    found = find_contact(plain)
    if found is Contact.LINK:
        raise InvalidInput(
            field,
            f"The {what} must not hold a link or an address. Put a space after each full stop.",
        )
    if found is Contact.NUMBER and allowed is AllowedContent.WORDS:
        raise InvalidInput(
            field,
            f"The {what} must not hold a phone number, or a number that reads like one.",
        )


def require_meaningful_reason(field: str, plain: str) -> None:
    """Raises :class:`InvalidInput` for what tells nobody later why something was done: fewer than
    two words, or than ten letters."""
    if len(plain.split()) < 2 or sum(map(str.isalpha, plain)) < MIN_REASON_LETTERS:
        raise InvalidInput(
            field,
            "Write why in a sentence that a colleague understands next year:"
            f" two words or more, with at least {MIN_REASON_LETTERS} letters.",
        )


def first_name(name: str) -> str:
    """The first word of a name, for texts and pages that a customer reads; of ``J.de Vries`` it is
    ``J.``, since ``J.de`` is an address to a phone."""
    apart = space_after_full_stops(name)
    return apart.split(maxsplit=1)[0] if apart.split() else name
