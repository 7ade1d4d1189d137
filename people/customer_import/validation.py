"""Validates a record of an import. Problems are described without personal data."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from config.domain_errors import DomainError
from messaging.i18n import best_language
from people import phone_numbers
from people.customer_import.record_reader import FileRecord
from people.customers.customer_creation import clean_external_ref, clean_name
from people.error_codes import PeopleErrorCode
from people.errors import InvalidInput


@dataclass(frozen=True)
class ImportRules:
    """The installation's rules: its languages, the country of numbers written without one, the
    countries it calls (all when empty), and the default time zone."""

    languages: tuple[str, ...]
    default_region: str
    countries: Collection[str]
    default_zone: str


@dataclass(frozen=True)
class ImportRow:
    """A validated customer row. ``phone`` is E.164; ``locale`` a supported language and
    ``timezone`` an IANA zone, each empty if the file has none."""

    line: int
    ref: str
    phone: str
    name: str
    locale: str
    timezone: str


@dataclass(frozen=True)
class ImportProblem:
    """Why a line was refused. ``field`` is a column, or ``line`` for the whole line."""

    line: int
    field: str
    problem: DomainError


def phone_problem(row: ImportRow, code: PeopleErrorCode) -> ImportProblem:
    """Return the problem that a row's number has with another customer."""
    return ImportProblem(row.line, "phone", InvalidInput("phone", code))


def validate_record(record: FileRecord, rules: ImportRules) -> ImportRow | ImportProblem:
    """Return the record as a row, or the problem with it."""
    if record.problem:
        return ImportProblem(record.line, "line", record.problem)
    try:
        return _build_import_row(record, rules)
    except InvalidInput as error:
        return ImportProblem(record.line, error.field, error)


def _build_import_row(record: FileRecord, rules: ImportRules) -> ImportRow:
    values = record.values
    ref = clean_external_ref(values.get("external_ref", ""), required=True)
    phone = phone_numbers.parse_phone(values.get("phone", ""), rules.default_region)
    phone_numbers.require_callable(phone, rules.countries)
    name = clean_name(values.get("name", ""))
    zone = values.get("timezone", "").strip()
    if zone:
        phone_numbers.parse_time_zone(zone)
    locale = values.get("locale", "").strip()
    language = best_language(locale, rules.languages) if locale else ""
    return ImportRow(record.line, ref, phone, name, language, zone)
