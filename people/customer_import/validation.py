"""One record of an import, made sure of. Says what is wrong in words that hold nobody's data."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from messaging.i18n import best
from people import phone_numbers
from people.customer_import.record_reader import Record
from people.customers.customer_records import clean_name, clean_ref
from people.errors import InvalidInput


@dataclass(frozen=True)
class Rules:
    """What an installation takes: its languages, the country of numbers written without one, the
    countries it calls (all when empty), and the zone where nothing else tells."""

    languages: tuple[str, ...]
    default_region: str
    countries: Collection[str]
    default_zone: str


@dataclass(frozen=True)
class Row:
    """A customer as the file has them. ``phone`` is E.164; ``locale`` a language that we speak and
    ``timezone`` a known zone, each empty where the file says nothing."""

    line: int
    ref: str
    phone: str
    name: str
    locale: str
    timezone: str


@dataclass(frozen=True)
class Problem:
    """Why a line was refused. ``field`` is a column, or ``line`` for all of it."""

    line: int
    field: str
    sentence: str


def checked(record: Record, rules: Rules) -> Row | Problem:
    """The record as a row, or what is wrong with it."""
    if record.problem:
        return Problem(record.line, "line", record.problem)
    try:
        return _row(record, rules)
    except InvalidInput as error:
        return Problem(record.line, error.field, str(error))


def _row(record: Record, rules: Rules) -> Row:
    given = record.values
    ref = clean_ref(given.get("external_ref", ""), required=True)
    phone = phone_numbers.parse(given.get("phone", ""), rules.default_region)
    phone_numbers.require_callable(phone, rules.countries)
    name = clean_name(given.get("name", ""))
    zone = given.get("timezone", "").strip()
    if zone:
        phone_numbers.zone(zone)
    locale = given.get("locale", "").strip()
    spoken = best(locale, rules.languages) if locale else ""
    return Row(record.line, ref, phone, name, spoken, zone)
