"""Traces a leak from CSV files: the access log of any helpdesk, and its reports.

The access log has the columns ``staff``, ``customer`` and ``at``, and optionally ``team``. The
reports have ``customer`` and ``at``, and optionally ``knew`` (fields separated by spaces or
semicolons) and ``proven`` (yes or no). Other columns are ignored. A report without a customer comes
from a number that belongs to no customer. Times are ISO 8601, in UTC if they have no zone; a date
without a time is the whole day.

Only first accesses to reporting customers are stored, plus eight bytes for each line of the access
log, so that it may have millions of lines.
"""

from __future__ import annotations

import csv
from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zlib import crc32

from config.domain_errors import DomainError, ErrorCode
from incidents.error_codes import IncidentErrorCode
from incidents.leak_tracing.likelihoods import ALL_FIELDS
from incidents.leak_tracing.model_types import (
    EVERYTHING,
    OUTSIDE,
    AccessRecords,
    Call,
    FirstAccess,
    SourceGroup,
    StepTimeline,
    epoch_days,
    merge_timelines,
)
from incidents.leak_tracing.team_clustering import CustomerSample, cluster_sources
from incidents.leak_tracing.tracer import Tracer

HOURLY_COUNT_LIMIT = 1_000_000  # larger logs are counted by the day
_HOUR_BITS, _ALL_BITS = 22, (1 << 64) - 1
_LATEST = (1 << _HOUR_BITS) - 1
_YES, _NO = {"yes", "true", "1", "y"}, {"no", "false", "0", "n", ""}
_UNPROVEN_DOUBT = 2.0
_EARLIEST = epoch_days(datetime(1990, 1, 1, tzinfo=UTC))
_CLOCK_TOLERANCE = timedelta(days=1)  # clocks and zones differ by at most this


class InvalidCsvFile(DomainError):
    """An unusable file. The parameters name the file and the line."""


@dataclass
class _AccessLog:
    """What is stored of an access log: for each source all accesses, as hash of the customer and
    hour, and its first access to each reporting customer."""

    looks: dict[str, array[int]] = field(default_factory=dict)
    teams: dict[str, set[str]] = field(default_factory=dict)
    sample: CustomerSample = field(default_factory=CustomerSample)
    first: dict[str, dict[str, float]] = field(default_factory=dict)


def trace_csv_files(access: Path, reports: Path, population: int, now: datetime) -> Tracer:
    """Trace the leak from both files. Raises :class:`InvalidCsvFile` before anything is done."""
    latest = epoch_days(now + _CLOCK_TOLERANCE)
    calls = list(_read_reported_calls(reports, latest))
    log = _AccessLog(first={str(call.customer): {} for call in calls if call.customer is not None})
    for row in _read_trace_rows(access, ("staff", "customer", "at"), ("team",)):
        _record_access_row(log, row, latest)
    per_day = 24 if sum(map(len, log.looks.values())) <= HOURLY_COUNT_LIMIT else 1
    fresh = {
        source: _count_new_customers(looks, 24 // per_day) for source, looks in log.looks.items()
    }
    _require_population_size(fresh.values(), population, access)
    lines = {
        source: StepTimeline.from_unit_counts(counts, per_day) for source, counts in fresh.items()
    }
    teams = {
        name: SourceGroup(frozenset(members), merge_timelines((fresh[m] for m in members), per_day))
        for name, members in _teams_of_access_log(log, population).items()
        if len(members) > 1
    }
    together = merge_timelines(fresh.values(), per_day)
    end = max((call.day for call in calls), default=0.0)
    tracer = Tracer(AccessRecords(population, lines, together, teams), end)
    for call in calls:
        seen = log.first[str(call.customer)] if call.customer is not None else {}
        tracer.add_report(call, {source: FirstAccess(day) for source, day in seen.items()})
    return tracer


def _teams_of_access_log(log: _AccessLog, population: int) -> Mapping[str, Collection[str]]:
    """Return the teams that the log names or, if it names none, clusters of sources that access the
    same customers."""
    if log.teams:
        return log.teams
    alike = cluster_sources(*log.sample.get_viewer_sets(population))
    return {str(number): members for number, members in enumerate(alike)}


@dataclass(frozen=True)
class _CsvRow:
    """A row of a file: its line number, and its cells in the requested column order."""

    file: Path
    line: int
    cells: Sequence[str]

    def error_in_line(self, code: ErrorCode, **parameters: object) -> InvalidCsvFile:
        """Build the exception for an error in this line."""
        problem = InvalidCsvFile(code, **parameters)
        return InvalidCsvFile(
            IncidentErrorCode.TRACE_LINE_INVALID, file=self.file, line=self.line, problem=problem
        )


def _read_trace_rows(
    file: Path, needed: Sequence[str], optional: Sequence[str]
) -> Iterator[_CsvRow]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            yield from _parse_trace_lines(file, csv.reader(opened, strict=True), needed, optional)
    except UnicodeDecodeError:
        raise InvalidCsvFile(IncidentErrorCode.TRACE_FILE_NOT_UTF8, file=file) from None
    except OSError as error:
        raise InvalidCsvFile(
            IncidentErrorCode.TRACE_FILE_UNREADABLE, file=file, reason=error.strerror
        ) from None


def _parse_trace_lines(
    file: Path, lines: Iterator[list[str]], needed: Sequence[str], optional: Sequence[str]
) -> Iterator[_CsvRow]:
    number = 0
    try:
        header = [name.strip().lower() for name in next(lines, [])]
        missing = [name for name in needed if name not in header]
        if missing:
            raise InvalidCsvFile(
                IncidentErrorCode.TRACE_COLUMNS_MISSING, file=file, columns=needed, missing=missing
            )
        places = [header.index(n) if n in header else -1 for n in (*needed, *optional)]
        for cells in lines:
            number = lines.line_num  # type: ignore[attr-defined]
            if cells and len(cells) != len(header):
                raise _CsvRow(file, number, cells).error_in_line(
                    IncidentErrorCode.TRACE_VALUE_COUNT_WRONG, found=len(cells), columns=len(header)
                )
            if cells:
                yield _CsvRow(file, number, [cells[p].strip() if p >= 0 else "" for p in places])
    except csv.Error as error:
        raise InvalidCsvFile(
            IncidentErrorCode.TRACE_NOT_CSV, file=file, line=number + 1, reason=error
        ) from None


def _read_reported_calls(file: Path, latest: float) -> Iterator[Call]:
    for row in _read_trace_rows(file, ("customer", "at"), ("knew", "proven")):
        customer, at, knew, proven = row.cells
        if proven.lower() not in _YES | _NO:
            raise row.error_in_line(IncidentErrorCode.TRACE_PROVEN_INVALID, text=proven)
        fields = frozenset(knew.replace(";", " ").lower().split())
        if unknown := sorted(fields - ALL_FIELDS - {"phone"}):
            raise row.error_in_line(
                IncidentErrorCode.TRACE_FIELD_UNKNOWN,
                text=unknown[0],
                fields=sorted(ALL_FIELDS | {"phone"}),
            )
        yield Call(
            customer=customer or None,
            day=_parse_day_in_range(row, at, latest, end=True),
            knew=fields if knew else None,
            doubt=_UNPROVEN_DOUBT if proven and proven.lower() in _NO else 1.0,
        )


def _record_access_row(log: _AccessLog, row: _CsvRow, latest: float) -> None:
    source, customer, at, team = row.cells
    if not source or not customer:
        raise row.error_in_line(IncidentErrorCode.TRACE_VALUE_MISSING)
    if source in (OUTSIDE, EVERYTHING):
        raise row.error_in_line(IncidentErrorCode.TRACE_SOURCE_RESERVED, source=source)
    day = _parse_day_in_range(row, at, latest)
    hour = min(max(int(day * 24), 0), _LATEST)
    key = ((hash(customer) << _HOUR_BITS) & _ALL_BITS) | hour
    log.looks.setdefault(source, array("Q")).append(key)
    log.sample.add_viewer(crc32(customer.encode()), source)
    if team:
        log.teams.setdefault(team, set()).add(source)
    if (seen := log.first.get(customer)) is not None:
        seen[source] = min(day, seen.get(source, day))


def _parse_day_in_range(row: _CsvRow, text: str, latest: float, *, end: bool = False) -> float:
    """Parse a time as days since 1970 (UTC). A date alone is the start of the day or, with ``end``,
    its end."""
    day = _parse_trace_time(row, text, end=end)
    if day < _EARLIEST:
        raise row.error_in_line(IncidentErrorCode.TRACE_TIME_TOO_OLD, text=text)
    if day > latest:
        raise row.error_in_line(IncidentErrorCode.TRACE_TIME_IN_FUTURE, text=text)
    return day


def _parse_trace_time(row: _CsvRow, text: str, *, end: bool) -> float:
    try:
        at = datetime.fromisoformat(text)
        if end and len(text) <= len("2026-11-25"):
            at += timedelta(days=1, microseconds=-1)
        return epoch_days(at if at.tzinfo else at.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise row.error_in_line(IncidentErrorCode.TRACE_TIME_INVALID, text=text) from None


def _count_new_customers(looks: array[int], hours: int) -> Counter[int]:
    """Count the customers accessed for the first time in each period of ``hours`` hours."""
    counts: Counter[int] = Counter()
    before = -1
    for key in sorted(looks):
        if key >> _HOUR_BITS != before:
            before = key >> _HOUR_BITS
            counts[(key & _LATEST) // hours] += 1
    return counts


def _require_population_size(fresh: Iterable[Counter[int]], population: int, access: Path) -> None:
    """Raise if a source accessed more customers than the population has."""
    if max((counts.total() for counts in fresh), default=0) > population:
        raise InvalidCsvFile(
            IncidentErrorCode.TRACE_POPULATION_TOO_SMALL, file=access, population=population
        )
