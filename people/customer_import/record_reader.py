"""Records out of a file, in the two forms there are: CSV (RFC 4180) and JSON lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from people.customer_import.line_reader import Raw, Source, text_of

CSV, JSONL = "csv", "jsonl"
FORMATS = (CSV, JSONL)
COLUMNS = ("external_ref", "phone", "name", "locale", "timezone")
NEEDED = frozenset({"external_ref", "phone", "name"})
#: A value between quotes may go over several lines. One that goes over more was never closed.
MOST_LINES = 50
_UNKNOWN = "use --ignore-unknown to leave it out, or one of: " + ", ".join(COLUMNS)


class NotReadable(ValueError):
    """The file as a whole cannot be read; the message says why."""


@dataclass(frozen=True)
class Record:
    """What begins at a line: ``values`` by column, or the ``problem`` that there is with it."""

    line: int
    values: Mapping[str, str]
    problem: str = ""


class Records:
    """The records of a source, in order. ``ignore_unknown`` leaves columns out that we have no
    use for. Raises :class:`NotReadable` where the columns are not named as they should be."""

    def __init__(self, source: Source, form: str, *, ignore_unknown: bool = False) -> None:
        self._source, self._ignore_unknown = source, ignore_unknown
        self._columns: list[str] = []
        self._delimiter = ","
        self._next = self._csv if form == CSV else self._json
        if form == CSV:
            self._read_header()

    def __iter__(self) -> Iterator[Record]:
        """Each record once; when it is given, the source has passed over its lines."""
        while (first := self._source.take()) is not None:
            if first.data is None or first.data.strip():
                yield self._next(first)
            else:
                self._source.pass_over([first])

    def _read_header(self) -> None:
        first = self._source.take()
        if first is None:
            raise NotReadable("The file is empty.")
        try:
            text = text_of(first)
            self._delimiter = max(",;\t", key=text.count)
            names = next(csv.reader([text], delimiter=self._delimiter, strict=True), [])
        except (ValueError, csv.Error) as error:
            raise NotReadable(f"Line 1: {error}") from None
        self._source.pass_over([first])
        self._columns = [name.strip().lower() for name in names]
        self._require_known(self._columns)

    def _require_known(self, columns: list[str]) -> None:
        """What is no name of a column is not repeated: it may be somebody's."""
        missing = sorted(NEEDED - set(columns))
        if missing:
            raise NotReadable(f"The first line must name the columns; missing: {missing}.")
        known = [name for name in columns if name in COLUMNS]
        if len(known) > len(set(known)):
            raise NotReadable("The first line names a column twice.")
        if not self._ignore_unknown and len(known) < len(columns):
            place = next(at for at, name in enumerate(columns, 1) if name not in COLUMNS)
            raise NotReadable(f"Column {place} in the first line is unknown: {_UNKNOWN}.")

    def _csv(self, first: Raw) -> Record:
        """The record that begins with this line. Where it is wrong, that is this line's fault
        alone, and those looked at to find its end stand for themselves."""
        lines: list[Raw] = []
        try:
            texts = self._texts(first, lines)
            found = next(csv.reader(texts, delimiter=self._delimiter, strict=True))
            return self._by_column(first, lines, found)
        except csv.Error:
            problem = "The quotation marks do not fit together."
        except ValueError as error:
            problem = str(error)
        self._source.give_back(lines[1:])
        self._source.pass_over([first])
        return Record(first.number, {}, problem)

    def _texts(self, first: Raw, lines: list[Raw]) -> Iterator[str]:
        line: Raw | None = first
        while line is not None and len(lines) < MOST_LINES:
            lines.append(line)
            yield text_of(line)
            line = self._source.take()
        if line is not None:
            self._source.give_back([line])

    def _by_column(self, first: Raw, lines: list[Raw], found: list[str]) -> Record:
        if len(found) != len(self._columns):
            raise ValueError(f"There are {len(found)} values for {len(self._columns)} columns.")
        self._source.pass_over(lines)
        pairs = zip(self._columns, found, strict=True)
        return Record(first.number, {name: value for name, value in pairs if name in COLUMNS})

    def _json(self, line: Raw) -> Record:
        self._source.pass_over([line])
        try:
            return Record(line.number, self._members(text_of(line)))
        except (json.JSONDecodeError, RecursionError):
            return Record(line.number, {}, "The line is not a JSON object.")
        except ValueError as error:
            return Record(line.number, {}, str(error))

    def _members(self, text: str) -> dict[str, str]:
        found = json.loads(text, object_pairs_hook=_once)
        if not isinstance(found, dict):
            raise ValueError("The line is not a JSON object.")
        if not self._ignore_unknown and not found.keys() <= set(COLUMNS):
            raise ValueError(f"There is an unknown column: {_UNKNOWN}.")
        return {name: _text(name, value) for name, value in found.items() if name in COLUMNS}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("A column stands twice in the line.")
    return found


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"Write the {name} as text, between quotation marks.")
    return value
