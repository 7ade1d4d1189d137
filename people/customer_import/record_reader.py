"""Reads records from a file, in either format: CSV (RFC 4180) or JSON lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from config.domain_errors import DomainError
from people.customer_import.line_reader import LineReader, RawLine, UnreadableLine, decode_line
from people.error_codes import PeopleErrorCode

CSV, JSONL = "csv", "jsonl"
FORMATS = (CSV, JSONL)
COLUMNS = ("external_ref", "phone", "name", "locale", "timezone")
REQUIRED_COLUMNS = frozenset({"external_ref", "phone", "name"})
#: A quoted value may span several lines. One that spans more than this was never closed.
MAX_RECORD_LINES = 50


class UnreadableFile(DomainError):
    """The file as a whole cannot be read."""


@dataclass(frozen=True)
class FileRecord:
    """A record that starts at a line: ``values`` by column, or the ``problem`` with it."""

    line: int
    values: Mapping[str, str]
    problem: DomainError | None = None


class RecordReader:
    """The records of a source, in order. ``ignore_unknown`` drops unknown columns. Raises
    :class:`UnreadableFile` if the column names are wrong."""

    def __init__(self, source: LineReader, form: str, *, ignore_unknown: bool = False) -> None:
        self._source, self._ignore_unknown = source, ignore_unknown
        self._columns: list[str] = []
        self._delimiter = ","
        self._next = self._read_csv_record if form == CSV else self._read_json_record
        if form == CSV:
            self._read_header()

    def __iter__(self) -> Iterator[FileRecord]:
        """Yield each record once, after the source has consumed its lines."""
        while (first := self._source.next_line()) is not None:
            if first.data is None or first.data.strip():
                yield self._next(first)
            else:
                self._source.consume_lines([first])

    def _read_header(self) -> None:
        first = self._source.next_line()
        if first is None:
            raise UnreadableFile(PeopleErrorCode.FILE_EMPTY)
        try:
            text = decode_line(first)
            self._delimiter = max(",;\t", key=text.count)
            names = next(csv.reader([text], delimiter=self._delimiter, strict=True), [])
        except UnreadableLine as error:
            raise UnreadableFile(PeopleErrorCode.HEADER_UNREADABLE, problem=error) from None
        except csv.Error:
            raise UnreadableFile(PeopleErrorCode.HEADER_QUOTES_UNBALANCED) from None
        self._source.consume_lines([first])
        self._columns = [name.strip().lower() for name in names]
        self._require_known_columns(self._columns)

    def _require_known_columns(self, columns: list[str]) -> None:
        """Check the column names. Does not repeat an unknown name: it may be personal data."""
        missing = sorted(REQUIRED_COLUMNS - set(columns))
        if missing:
            raise UnreadableFile(PeopleErrorCode.COLUMNS_MISSING, columns=missing)
        known = [name for name in columns if name in COLUMNS]
        if len(known) > len(set(known)):
            raise UnreadableFile(PeopleErrorCode.COLUMN_TWICE_IN_HEADER)
        if not self._ignore_unknown and len(known) < len(columns):
            position = next(at for at, name in enumerate(columns, 1) if name not in COLUMNS)
            raise UnreadableFile(
                PeopleErrorCode.COLUMN_UNKNOWN_IN_HEADER, position=position, columns=COLUMNS
            )

    def _read_csv_record(self, first: RawLine) -> FileRecord:
        """Read the record that starts with this line. If it is malformed, only this line is
        refused, and the lines read to find its end are pushed back."""
        lines: list[RawLine] = []
        problem: DomainError
        try:
            texts = self._csv_record_lines(first, lines)
            values = next(csv.reader(texts, delimiter=self._delimiter, strict=True))
            return self._build_csv_record(first, lines, values)
        except csv.Error:
            problem = UnreadableLine(PeopleErrorCode.QUOTES_UNBALANCED)
        except UnreadableLine as error:
            problem = error
        self._source.push_back_lines(lines[1:])
        self._source.consume_lines([first])
        return FileRecord(first.number, {}, problem)

    def _csv_record_lines(self, first: RawLine, lines: list[RawLine]) -> Iterator[str]:
        line: RawLine | None = first
        while line is not None and len(lines) < MAX_RECORD_LINES:
            lines.append(line)
            yield decode_line(line)
            line = self._source.next_line()
        if line is not None:
            self._source.push_back_lines([line])

    def _build_csv_record(
        self, first: RawLine, lines: list[RawLine], found: list[str]
    ) -> FileRecord:
        if len(found) != len(self._columns):
            raise UnreadableLine(
                PeopleErrorCode.VALUE_COUNT_WRONG, found=len(found), columns=len(self._columns)
            )
        self._source.consume_lines(lines)
        pairs = zip(self._columns, found, strict=True)
        return FileRecord(first.number, {name: value for name, value in pairs if name in COLUMNS})

    def _read_json_record(self, line: RawLine) -> FileRecord:
        self._source.consume_lines([line])
        try:
            return FileRecord(line.number, self._parse_json_values(decode_line(line)))
        except (json.JSONDecodeError, RecursionError):
            not_json = UnreadableLine(PeopleErrorCode.LINE_NOT_JSON_OBJECT)
            return FileRecord(line.number, {}, not_json)
        except UnreadableLine as error:
            return FileRecord(line.number, {}, error)

    def _parse_json_values(self, text: str) -> dict[str, str]:
        values_by_column = json.loads(text, object_pairs_hook=_reject_repeated_keys)
        if not isinstance(values_by_column, dict):
            raise UnreadableLine(PeopleErrorCode.LINE_NOT_JSON_OBJECT)
        if not self._ignore_unknown and not values_by_column.keys() <= set(COLUMNS):
            raise UnreadableLine(PeopleErrorCode.COLUMN_UNKNOWN_IN_LINE, columns=COLUMNS)
        return {
            name: _require_text_value(name, value)
            for name, value in values_by_column.items()
            if name in COLUMNS
        }


def _reject_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise UnreadableLine(PeopleErrorCode.COLUMN_TWICE_IN_LINE)
    return values


def _require_text_value(name: str, value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UnreadableLine(PeopleErrorCode.VALUE_NOT_TEXT, column=name)
    return value
