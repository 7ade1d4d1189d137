"""Cleans names and short free text that people enter."""

from __future__ import annotations

import re
import unicodedata
from enum import Enum

from config.contact_details import Contact, find_contact, space_after_full_stops
from people.error_codes import PeopleErrorCode
from people.errors import InvalidInput

_LINK = re.compile(
    r"(?i)\b(?:https?:|www\.)|\w\.(?:com|net|org|info|io|co|uk|de|es|ru|cn|xyz|top)\b"
)

MIN_REASON_LETTERS = 10
#: Scripts that join or separate letters by invisible characters.
_JOINING_SCRIPTS = frozenset(
    {
        *("ARABIC", "SYRIAC", "MONGOLIAN", "NKO", "MANDAIC", "DEVANAGARI", "BENGALI", "GURMUKHI"),
        *("GUJARATI", "ORIYA", "TAMIL", "TELUGU", "KANNADA", "MALAYALAM", "SINHALA", "TIBETAN"),
        *("MYANMAR", "KHMER"),
    }
)


class AllowedContent(Enum):
    """What text may contain besides words, depending on where it is shown."""

    #: Shown in text messages and on customers' pages: no link in any spelling, no phone number.
    WORDS = "words"
    #: A reference: no link in any spelling, but numbers.
    NUMBERS = "numbers"
    #: Read by staff only: refuses what looks like an address at a glance.
    ANYTHING = "anything"


def clean_text_input(
    field: str,
    value: str,
    *,
    limit: int,
    required: bool = True,
    allowed: AllowedContent = AllowedContent.WORDS,
) -> str:
    """Return ``value`` in NFC, on one line, without control characters.

    Raises :class:`InvalidInput` if it is missing, longer than ``limit`` characters, or contains
    more than ``allowed``: no message of ours carries a link or a number that somebody typed. Allow
    more than words only where staff alone read it.
    """
    plain = " ".join(unicodedata.normalize("NFC", value).split())
    if any(_is_invisible_char(plain, n) for n in range(len(plain))):
        raise InvalidInput(field, PeopleErrorCode.TEXT_HAS_INVISIBLE_CHARACTER)
    if required and not plain:
        raise InvalidInput(field, PeopleErrorCode.TEXT_MISSING)
    if len(plain) > limit:
        raise InvalidInput(field, PeopleErrorCode.TEXT_TOO_LONG, limit=limit)
    if allowed is not AllowedContent.ANYTHING:
        _require_no_contact(field, plain, allowed)
    elif _LINK.search(plain):
        raise InvalidInput(field, PeopleErrorCode.TEXT_HAS_LINK)
    return plain


def _is_invisible_char(text: str, n: int) -> bool:
    """Return whether the character at ``n`` cannot be shown. A (non-)joiner between letters of a
    script that needs it is part of the spelling: ``علی‌رضا``."""
    char = text[n]
    if char in "\u200c\u200d" and 0 < n < len(text) - 1:
        return not (_is_joining_letter(text[n - 1]) and _is_joining_letter(text[n + 1]))
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn")


def _is_joining_letter(char: str) -> bool:
    return unicodedata.name(char, "").split(" ")[0] in _JOINING_SCRIPTS and char.isprintable()


def _require_no_contact(field: str, plain: str, allowed: AllowedContent) -> None:
    contact = find_contact(plain)
    if contact is Contact.LINK:
        raise InvalidInput(
            field,
            PeopleErrorCode.TEXT_HAS_ADDRESS,
        )
    if contact is Contact.NUMBER and allowed is AllowedContent.WORDS:
        raise InvalidInput(
            field,
            PeopleErrorCode.TEXT_HAS_NUMBER,
        )


def require_meaningful_reason(field: str, plain: str) -> None:
    """Raise :class:`InvalidInput` for a reason that explains nothing later: fewer than two words,
    or than ten letters."""
    if len(plain.split()) < 2 or sum(map(str.isalpha, plain)) < MIN_REASON_LETTERS:
        raise InvalidInput(
            field,
            PeopleErrorCode.REASON_TOO_SHORT,
            letters=MIN_REASON_LETTERS,
        )


def first_name(name: str) -> str:
    """Return the first word of a name, for messages and pages that a customer reads. For ``J.de
    Vries`` this is ``J.``, since phones turn ``J.de`` into a link."""
    apart = space_after_full_stops(name)
    return apart.split(maxsplit=1)[0] if apart.split() else name
