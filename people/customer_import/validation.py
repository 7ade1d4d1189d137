"""One record of an import, made sure of. Says what is wrong in words that hold nobody's data."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from messaging.i18n import best_language
from people import phone_numbers
from people.customer_import.record_reader import FileRecord
from people.customers.customer_records import clean_external_ref, clean_name
from people.errors import InvalidInput


@dataclass(frozen=True)
class ImportRules:
    """What an installation takes: its languages, the country of numbers written without one, the
    countries it calls (all when empty), and the zone where nothing else tells."""

    languages: tuple[str, ...]
    default_region: str
    countries: Collection[str]
    default_zone: str


@dataclass(frozen=True)
class ImportRow:
    """A customer as the file has them. ``phone`` is E.164; ``locale`` a language that we speak and
    ``timezone`` a known zone, each empty where the file says nothing."""

    line: int
    ref: str
    phone: str
    name: str
    locale: str
    timezone: str


@dataclass(frozen=True)
class ImportProblem:
    """Why a line was refused. ``field`` is a column, or ``line`` for all of it."""

    line: int
    field: str
    sentence: str


def validate_record(record: FileRecord, rules: ImportRules) -> ImportRow | ImportProblem:
    """The record as a row, or what is wrong with it."""
    if record.problem:
        return ImportProblem(record.line, "line", record.problem)
    try:
        return _build_import_row(record, rules)
    except InvalidInput as error:
        return ImportProblem(record.line, error.field, str(error))


def _build_import_row(record: FileRecord, rules: ImportRules) -> ImportRow:
    given = record.values
    ref = clean_external_ref(given.get("external_ref", ""), required=True)
    phone = phone_numbers.parse_phone(given.get("phone", ""), rules.default_region)
    phone_numbers.require_callable(phone, rules.countries)
    name = clean_name(given.get("name", ""))
    zone = given.get("timezone", "").strip()
    if zone:
        phone_numbers.parse_time_zone(zone)
    locale = given.get("locale", "").strip()
    spoken = best_language(locale, rules.languages) if locale else ""
    return ImportRow(record.line, ref, phone, name, spoken, zone)
