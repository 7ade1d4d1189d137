"""Cleaning of names and short free text that people type."""

from __future__ import annotations

import re
import unicodedata

from people.errors import InvalidInput

_LINK = re.compile(
    r"(?i)\b(?:https?:|www\.)|\w\.(?:com|net|org|info|io|co|uk|de|es|ru|cn|xyz|top)\b"
)

LETTERS_OF_A_REASON = 10


def clean(field: str, value: str, *, limit: int, what: str, required: bool = True) -> str:
    """``value`` in NFC, on one line, without control characters.

    Raises :class:`InvalidInput` when it is missing, longer than ``limit`` characters, or holds
    a link: these words go into texts, and no text of ours carries one.
    """
    plain = " ".join(unicodedata.normalize("NFC", value).split())
    if any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn") for c in plain):
        raise InvalidInput(field, f"The {what} has a character that cannot be shown. Remove it.")
    if required and not plain:
        raise InvalidInput(field, f"Write the {what}.")
    if len(plain) > limit:
        raise InvalidInput(field, f"The {what} is too long: use at most {limit} characters.")
    if _LINK.search(plain):
        raise InvalidInput(field, f"The {what} must not hold a link.")
    return plain


def require_reason(field: str, plain: str) -> None:
    """Raises :class:`InvalidInput` for what tells nobody later why something was done: fewer than
    two words, or than ten letters."""
    if len(plain.split()) < 2 or sum(map(str.isalpha, plain)) < LETTERS_OF_A_REASON:
        raise InvalidInput(
            field,
            "Write why in a sentence that a colleague understands next year:"
            f" two words or more, with at least {LETTERS_OF_A_REASON} letters.",
        )


def first_name(name: str) -> str:
    """The first word of a name, for texts and pages that a customer reads."""
    return name.split(maxsplit=1)[0] if name.split() else name
