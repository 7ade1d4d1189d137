"""Finds contact details in typed words: a link, or a phone number.

Our texts contain what people type, and must not contain links (rule M). The rule goes by form, not
by a list of existing domains: new top-level domains appear every month. A full stop between two
words without a space is an address, unless it follows an initial or a title (``J.de Vries``,
``Dr.Weber``) and the result is not a well-known domain (``t.me``). Accepted words get a space after
such a full stop (:func:`space_after_full_stops`), so that no phone turns them into a link.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from enum import StrEnum
from itertools import pairwise

from config.dialable_numbers import contains_phone_number
from config.link_words import (
    ABBREVIATIONS,
    DOT_WORDS,
    EVERYDAY_WORDS,
    GENERIC_DOMAINS,
    LINK_SCHEMES,
    LOOKALIKE_LETTERS,
    LOOKALIKE_SIGNS,
    SURNAME_DOMAINS,
    SURNAME_PARTICLES,
    TOP_LEVEL_DOMAINS,
)


class Contact(StrEnum):
    """The kind of contact that was found."""

    LINK = "link"
    NUMBER = "number"


_LETTER = r"[^\W\d_]"
_AFTER_NAME = re.compile(r"[/\\:?#@=&%]")
_LABEL = re.compile(rf"({_LETTER}+)(.*)", re.DOTALL)
_LAST_WORD = re.compile(r"[\w-]*$")
_SPELLED = re.compile(rf"\b(?:{_LETTER}[ ]){{2,}}{_LETTER}\b")
_BEFORE_DOT = re.compile(rf"[\w)\]]\s+\.\s*{_LETTER}")
_AFTER_DOT = re.compile(rf"([\w-]+)\.\s+(?=({_LETTER}+)\b(\s*\S?))")
_OTHER_MARK = re.compile(rf"\w(?:[,;·]|\.{{2,}})({_LETTER}+)\b")
_DOT_WORD = re.compile(
    rf"([\w-]+)[\s\-_*~]+(?:{'|'.join(DOT_WORDS)})[\s\-_*~]+(?=({_LETTER}+)\b(\s*\S?))"
)
_IP = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.]*\d)")
_IP6 = re.compile(r"[0-9a-f:]*:[0-9a-f:.]*:[0-9a-f:.]*")
_ALWAYS = re.compile(
    r"@|://|:\\\\|\S//\S|^//|\bh(?:tt|xx|\*\*)ps?\s*[:;/\\]|\bwww\d?\b|\bxn--|\blocalhost\b"
    rf"|\b(?:{'|'.join(LINK_SCHEMES)}):(?=\S)"
    rf"|[(\[{{<*]\s*(?:\.|at|arroba|klammeraffe|{'|'.join(DOT_WORDS)})\s*[)\]}}>*]"
    rf"|\w{{2,}}dot(?:com|net|org|info|biz|site|xyz|app|link|online|shop)\b"
)
_ORDINARY = re.compile(rf"{_LETTER}{{2,14}}(?:[ -](?:[OD]['’])?{_LETTER}{{2,14}}){{0,2}}(?: \d)?")
_RISKY = re.compile(
    rf"(?i)\b(?:{'|'.join(DOT_WORDS)}|www|xn|localhost)\b|dot|[\u115f\u1160\u3164\uffa0]"
    r"|[〇零一二三四五六七八九]{5}|[\u2460-\u27bf]"
)
_TIGHT = re.compile(rf"(?<=\w)\.(?={_LETTER}{{2}})")


def find_contact(text: str) -> Contact | None:
    """Return the kind of contact in ``text``, in any spelling, or ``None``."""
    if _ORDINARY.fullmatch(text) and not _RISKY.search(text):
        return None  # the form of most names, of which an import has millions
    plain = _normalise_characters(text)
    if contains_link(plain):
        return Contact.LINK
    return Contact.NUMBER if contains_phone_number(plain) else None


def has_link(text: str) -> bool:
    """Tell whether ``text`` contains a link; phone numbers are allowed."""
    return contains_link(_normalise_characters(text))


def space_after_full_stops(text: str) -> str:
    """Return ``text`` with a space after each full stop before a word, so that no program reads it
    as a link: ``J.de Vries`` as ``J. de Vries``."""
    return _TIGHT.sub(". ", text)


def _normalise_characters(text: str) -> str:
    """Return ``text`` with one form for each character, and without invisible ones."""
    if text.isascii():
        return text
    normalised = unicodedata.normalize("NFKD", text).translate(LOOKALIKE_SIGNS)
    return "".join(filter(None, map(_normalise_character, normalised)))


def _normalise_character(char: str) -> str:
    if char.isspace():
        return " "
    category = unicodedata.category(char)
    if category in ("Mn", "Me", "Cf", "Cc", "Cn", "Co", "Cs"):
        return ""
    digit = unicodedata.digit(char, None)
    if digit is not None:
        return str(digit)
    return "-" if category == "Pd" else char


def contains_link(plain: str) -> bool:
    """Tell whether normalised text contains a link."""
    joined = _SPELLED.sub(lambda found: found[0].replace(" ", ""), plain)
    return any(_reads_as_link(reading) for reading in {plain, joined})


def _reads_as_link(plain: str) -> bool:
    low = plain.casefold().translate(LOOKALIKE_LETTERS)
    if _ALWAYS.search(low) or _contains_ip_address(low):
        return True
    return (
        _contains_dotted_name(plain)
        or bool(_BEFORE_DOT.search(low))
        or any(_is_split_domain(*match.groups()) for match in _AFTER_DOT.finditer(plain))
        or any(_is_spoken_domain(*match.groups()) for match in _DOT_WORD.finditer(low))
        or any(_is_disguised_domain(match) for match in _OTHER_MARK.finditer(low))
    )


def _contains_ip_address(low: str) -> bool:
    if any(all(int(part) < 256 for part in match[0].split(".")) for match in _IP.finditer(low)):
        return True
    for match in _IP6.finditer(low):
        try:
            ipaddress.IPv6Address(match[0])
        except ValueError:
            continue
        return True
    return False


def _contains_dotted_name(plain: str) -> bool:
    """Tell whether a word continues after a full stop without a space, as an address does."""
    words = plain.split()
    for word, following in zip(words, [*words[1:], ""], strict=False):
        if "." not in word:
            continue
        parts = word.split(".")
        for n, (left, right) in enumerate(pairwise(parts)):
            label, before = _LABEL.match(right), _LAST_WORD.search(left)
            if label is None or before is None or not before[0] or len(label[1]) < 2:
                continue
            if label[2][:1].isdigit():
                continue  # v2.beta1: a domain does not end in a digit
            more = ".".join([label[2], *parts[n + 2 :]])
            if not _is_personal_name(before[0].strip("-"), label[1], more, following):
                return True
    return False


def _is_personal_name(left: str, label: str, more: str, following: str) -> bool:
    """Tell whether ``left.label`` belongs to a person's name or a date: an initial, a title or a
    number, then a capitalised word, or a particle like *de* before a surname."""
    low = label.casefold().translate(LOOKALIKE_LETTERS)
    if _AFTER_NAME.search(more) or not _is_title_or_initial(left):
        return False
    if low in SURNAME_PARTICLES and not more:
        return following[:1].isupper() or _is_name_particle(following)
    if (left, label) == ("Co", "KG"):
        return True
    return (low not in TOP_LEVEL_DOMAINS or low in SURNAME_DOMAINS) and not label[0].islower()


def _is_title_or_initial(left: str) -> bool:
    """Tell whether it is an initial, a title, or the number of a day or a floor."""
    if left.isdecimal():
        return len(left) <= 2
    if len(left) == 1:
        return not left.islower() and not _is_ideograph(left)
    return left.casefold() in ABBREVIATIONS and not left[0].islower()


def _is_name_particle(following: str) -> bool:
    """Tell whether another particle follows, as in ``de la Cruz``."""
    return following.casefold() in SURNAME_PARTICLES


def _is_ideograph(char: str) -> bool:
    return unicodedata.name(char, "").startswith(("CJK", "HIRAGANA", "KATAKANA", "HANGUL"))


def _is_split_domain(left: str, label: str, after: str) -> bool:
    """Tell whether it is like ``example. com``: a new sentence would begin with a capital."""
    low = label.casefold().translate(LOOKALIKE_LETTERS)
    if not label[0].islower() or low not in TOP_LEVEL_DOMAINS:
        return False
    if after.lstrip()[:1] in ("/", "\\") and after.strip():
        return True
    initial = len(left) == 1 and left.isupper()
    if initial or left.casefold() in ABBREVIATIONS:
        return low not in SURNAME_PARTICLES and low in GENERIC_DOMAINS
    return (low not in EVERYDAY_WORDS and low not in SURNAME_PARTICLES) or not after.strip()


def _is_spoken_domain(left: str, label: str, after: str) -> bool:
    """Tell whether it is like ``example dot com``, but not like ``the red dot is on``."""
    if label not in TOP_LEVEL_DOMAINS:
        return False
    goes_on = after.strip()
    return label not in EVERYDAY_WORDS or not goes_on or goes_on in "/\\" or len(left) == 1


def _is_disguised_domain(found: re.Match[str]) -> bool:
    """Tell whether it is like ``example,com`` or ``bit·ly``, but not like ``Gal·la``."""
    mark = found[0][1]
    catalan = mark == "·" and found[0][0] == "l" and found[1].startswith("l")
    return found[1] in (TOP_LEVEL_DOMAINS if mark == "·" else GENERIC_DOMAINS) and not catalan
