"""Finds phone numbers in text by their form, in digits or in words.

Seven digits in a row are a number, whatever separates them; fewer are one if they begin like one,
or if the words say to call it. Dates, times, amounts of money, and references with letters, ``#``
or a year before them (``INC0012345``, ``#4711``, ``2026-1142``) are none.
"""

from __future__ import annotations

import re

MIN_DIGITS = 7
_SEP = r"(?:(?!,\s|;\s)[^\w%€$£#]|_){0,3}"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_DATE = re.compile(
    rf"(?<![\d.])(?:{_DAY}[./-]{_DAY}[./-](?:(?:19|20)\d\d|\d\d)|(?:19|20)\d\d[-/.](?:0[1-9]|1[0-2])"
    rf"[-/.]{_DAY}|{_DAY}\.(?:0?[1-9]|1[0-2])\.)(?![\d.]*\d)"
)
_SHORT_DATE = re.compile(rf"{_DAY}[./-]{_DAY}[./-]\d\d")
_FULL_YEAR = re.compile(r"\d{4}")
_ADJOINING_BEFORE = re.compile(rf"(?:\d{_SEP})+$")
_ADJOINING_AFTER = re.compile(rf"(?:{_SEP}\d)+")
_TIME = re.compile(r"(?<![\d:])(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?(?![\d:])")
_MONEY = re.compile(
    r"(?:(?<![\w.,])\d{1,3}(?:[.,' ]\d{3})*(?:[.,]\d\d)?\s?(?:€|\$|£|eur|usd|gbp|chf|euros?)(?!\w)"
    r"|[€$£]\s?\d{1,3}(?:[.,' ]\d{3})*(?:[.,]\d\d)?)(?![\d])"
)
_PREFIXED = re.compile(
    r"(?<![\w+])(?:([a-z]{1,6})-?\d{1,8}|#\d{1,8}|(?:19|20)\d\d[-/]\d{1,5})(?![\w])"
)
_RUN = re.compile(rf"\d(?:{_SEP}\d)*")
_INTERNATIONAL = re.compile(rf"(?:\+\s?|(?<![\w#])00)[1-9](?:{_SEP}\d){{4,}}")
_TRUNK = re.compile(rf"(?<![\w#])\(?0[1-9](?:{_SEP}\d){{4,}}")
_VERBS = (
    r"call|ring|dial|text|sms|whatsapp|telegram|anrufen|anruf|ruf|rufe|rufen|wähle|wählen|waehlen"
    r"|wahle|wahlen|llame|llama|llamar|marque|marcar|marca|appelez|appeler|bel|chiama|chiamare"
)
_NOUNS = r"phone|telephone|tel|telefon|telefono|fon|mobile|hotline|mob|cell|fax|rufnummer"
_FILLERS = (
    r"us|me|now|on|at|back|to|the|this|number|no|nr|uns|mich|sie|usted|vous|unter|an|die|der|nummer|al|a|el|"
    r"numero|au|le|jetzt|ya|sofort|bitte|please"
)
_TOLD = re.compile(
    rf"\b(?:(?:{_VERBS})(?:\W{{1,3}}(?:{_FILLERS})\b){{0,4}}\W{{0,3}}\d(?:{_SEP}\d){{2,}}"
    rf"|(?:{_NOUNS})(?:\W{{1,3}}(?:{_FILLERS})\b){{0,4}}\W{{0,3}}\d(?:{_SEP}\d){{4,}})"
)
_SERVICE = re.compile(r"[*#]{1,2}\d{2,3}[*#]")
_VANITY = re.compile(
    r"(?<![\w#])\+?(?:1[\s.-]?[89]\d\d|0[1-9]\d{1,2})[\s.-]{0,2}(?!uhr\b)[a-z]{3,}"
)
_VANITY_CAPITALS = re.compile(r"(?<![\w#])[89]\d\d-?[A-Z]{4,}")
_ONES = (
    "zero|oh|nought|one|two|three|four|five|six|seven|eight|nine|null|eins|zwei|zwo|drei|vier|funf|"
    "fünf|sechs|sieben|acht|neun|cero|uno|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|zéro|un|deux|"
    "trois|quatre|cinq|sept|huit|neuf|due|tre|quattro|sei|sette|otto|nove|een|twee|drie|vijf|zes|"
    "zeven|negen|um|dois|três|quatro|sete|oito|ten|twenty|thirty|forty|fifty|sixty|seventy|eighty|"
    "ninety|zehn|zwanzig|dreißig|vierzig|fünfzig|sechzig|siebzig|achtzig|neunzig|double|triple|doble"
)
_MORE = "hundred|thousand|hundert|tausend|cien|ciento|cientos|mil|cent"
_WORDS = re.compile(
    rf"\b(?:(?:(?:{_ONES}|{_MORE}|\d+)[\W_]{{0,3}}(?:and|und|y)?[\W_]{{0,2}}){{4,}})"
)
_WORD = re.compile(rf"{_ONES}|{_MORE}|\d+")
_ALIKE = re.compile(r"(?<!\S)(?:[+(]{0,2}[\dOoIl()./-]{5,}|(?=[OoIl]*\d)[\dOoIl]{3,})(?!\S)")
_AS_DIGITS = str.maketrans("OoIl", "0011")
_CJK = str.maketrans("一二三四五六七八九〇零", "12345678900")


def contains_phone_number(plain: str) -> bool:
    """Tell whether normalised text contains a phone number."""
    plain = _ALIKE.sub(_lookalikes_to_digits, plain.translate(_CJK))
    low = _blank_dates_and_times(plain.casefold())
    if not any(char.isdigit() for char in low):
        return _is_spelled_number(low)
    return bool(
        _INTERNATIONAL.search(low)
        or _TOLD.search(low)
        or _SERVICE.search(low)
        or _VANITY.search(low)
        or _VANITY_CAPITALS.search(plain)
        or _is_spelled_number(low)
        or _has_enough_digits(_MONEY.sub(" ~ ", low))
    )


def _blank_dates_and_times(text: str) -> str:
    """Remove up to two dates and two times: more in a row can be read as a number, and so can one
    that other digits continue (``01-12-23-45-67-89``, ``01:23 45 67 89``)."""
    without_dates = _blank_in_place(_DATE, text)
    others = _blank_in_place(_TIME, _blank_in_place(_DATE, _blank_in_place(_MONEY, text)))
    forms = list(_DATE.finditer(text)), list(_TIME.finditer(without_dates))
    removed = [
        match.span()
        for matches in forms
        if len(matches) <= 2
        for match in matches
        if not _continues_as_number(match, others)
    ]
    for start, end in sorted(removed, reverse=True):
        text = f"{text[:start]} ~ {text[end:]}"
    return text


def _continues_as_number(found: re.Match[str], others: str) -> bool:
    """Tell whether the digits that adjoin a date or a time in ``others`` (the text without dates,
    times and money) make a number of it. A full year may be followed by a short
    count (``01.12.2026 24 months``)."""
    before = _ADJOINING_BEFORE.search(others[: found.start()])
    after = _ADJOINING_AFTER.match(others[found.end() :])
    adjoining = sum(_count_digits(part[0]) for part in (before, after) if part)
    if _FULL_YEAR.search(found[0]):
        return adjoining >= 4
    if _SHORT_DATE.fullmatch(found[0]):
        return adjoining > 0
    return adjoining > 0 and adjoining + _count_digits(found[0]) >= MIN_DIGITS


def _count_digits(text: str) -> int:
    return sum(map(str.isdigit, text))


def _blank_in_place(form: re.Pattern[str], text: str) -> str:
    return form.sub(lambda found: "%" * len(found[0]), text)


def _lookalikes_to_digits(found: re.Match[str]) -> str:
    """Return the digits that ``O8OO`` stands for."""
    enough = found[0].isalnum() or sum(map(str.isdigit, found[0])) >= 3
    return found[0].translate(_AS_DIGITS) if enough else found[0]


def _has_enough_digits(low: str) -> bool:
    text = _PREFIXED.sub(lambda found: _blank_reference(found, low), low)
    if _TRUNK.search(text):
        return True
    return any(sum(map(str.isdigit, run[0])) >= MIN_DIGITS for run in _RUN.finditer(text))


def _blank_reference(found: re.Match[str], low: str) -> str:
    """Remove a reference, unless adjacent digits could extend it."""
    before, after = low[: found.start()][-3:], low[found.end() :][:3]
    alone = not any(char.isdigit() for char in before + after)
    calls = found[1] and re.fullmatch(f"{_VERBS}|{_NOUNS}", found[1])
    return " ~ " if alone and not calls else found[0]


def _is_spelled_number(low: str) -> bool:
    """Tell whether words for digits in a row form a number: each counts as one digit, a hundred as
    two."""
    for match in _WORDS.finditer(low):
        words = _WORD.findall(match[0])
        spelled = [word for word in words if not word.isdigit()]
        count = sum(len(word) if word.isdigit() else 1 for word in words)
        count += sum(word in _MORE.split("|") for word in words)
        if len(spelled) >= 3 and count >= 5:
            return True
    return False
