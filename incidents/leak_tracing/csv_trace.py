"""A trace from files: any helpdesk's own access log and its reports, as CSV.

The access log has the columns ``staff``, ``customer`` and ``at``, and may have ``team``; the
reports have ``customer`` and ``at``, and may have ``knew`` (fields with spaces or semicolons
between them) and ``proven`` (yes or no). Other columns are left alone. A report without a customer
comes from a number that is no customer's. Times are ISO 8601, taken as UTC where they name no zone;
a date alone is the whole day.

Of the log only looks at customers who report are kept, and eight bytes for each look, so that it
may have millions of lines.
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

from incidents.leak_tracing.likelihoods import ALL_FIELDS
from incidents.leak_tracing.model_types import (
    EVERYTHING,
    OUTSIDE,
    Call,
    Group,
    Records,
    Sight,
    Steps,
    as_day,
    merged,
)
from incidents.leak_tracing.team_clustering import Sample, groups
from incidents.leak_tracing.tracer import Tracer

BY_HOUR_TO = 1_000_000  # of a log with more lines than that, looks are counted by the day
_HOUR_BITS, _ALL_BITS = 22, (1 << 64) - 1
_LATEST = (1 << _HOUR_BITS) - 1
_YES, _NO = {"yes", "true", "1", "y"}, {"no", "false", "0", "n", ""}
_UNPROVEN = 2.0
_EARLIEST = as_day(datetime(1990, 1, 1, tzinfo=UTC))
_AHEAD = timedelta(days=1)  # clocks and zones differ, but by no more


class NotReadable(Exception):
    """A file that says nothing; the message names it, the line and what to do."""


@dataclass
class _Log:
    """What is kept of an access log: of each source all looks, as hash of the customer and hour,
    and the first look at each customer who reports."""

    looks: dict[str, array[int]] = field(default_factory=dict)
    teams: dict[str, set[str]] = field(default_factory=dict)
    sample: Sample = field(default_factory=Sample)
    first: dict[str, dict[str, float]] = field(default_factory=dict)


def trace(access: Path, reports: Path, population: int, now: datetime) -> Tracer:
    """The trace of both files. Raises :class:`NotReadable`, with nothing done."""
    latest = as_day(now + _AHEAD)
    calls = list(_calls(reports, latest))
    log = _Log(first={str(call.customer): {} for call in calls if call.customer is not None})
    for row in _rows(access, ("staff", "customer", "at"), ("team",)):
        _keep(log, row, latest)
    per_day = 24 if sum(map(len, log.looks.values())) <= BY_HOUR_TO else 1
    fresh = {source: _fresh(looks, 24 // per_day) for source, looks in log.looks.items()}
    _require_room(fresh.values(), population, access)
    lines = {source: Steps.of(counts, per_day) for source, counts in fresh.items()}
    teams = {
        name: Group(frozenset(members), merged((fresh[m] for m in members), per_day))
        for name, members in _teams(log, population).items()
        if len(members) > 1
    }
    together = merged(fresh.values(), per_day)
    end = max((call.day for call in calls), default=0.0)
    tracer = Tracer(Records(population, lines, together, teams), end)
    for call in calls:
        seen = log.first[str(call.customer)] if call.customer is not None else {}
        tracer.add(call, {source: Sight(day) for source, day in seen.items()})
    return tracer


def _teams(log: _Log, population: int) -> Mapping[str, Collection[str]]:
    """The teams that the log names; where it names none, those who see the same customers."""
    if log.teams:
        return log.teams
    alike = groups(*log.sample.customers(population))
    return {str(number): members for number, members in enumerate(alike)}


@dataclass(frozen=True)
class _Row:
    """A line of a file: where it is, and its columns in the order asked for."""

    file: Path
    line: int
    cells: Sequence[str]

    def wrong(self, sentence: str) -> NotReadable:
        """What to raise about this line."""
        return NotReadable(f"{self.file}, line {self.line}: {sentence}")


def _rows(file: Path, needed: Sequence[str], optional: Sequence[str]) -> Iterator[_Row]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            yield from _parsed(file, csv.reader(opened, strict=True), needed, optional)
    except UnicodeDecodeError:
        raise NotReadable(f"{file}: this is not text in UTF-8. Save it as CSV in UTF-8.") from None
    except OSError as error:
        raise NotReadable(f"{file}: cannot be read: {error.strerror}.") from None


def _parsed(
    file: Path, lines: Iterator[list[str]], needed: Sequence[str], optional: Sequence[str]
) -> Iterator[_Row]:
    number = 0
    try:
        header = [name.strip().lower() for name in next(lines, [])]
        missing = [name for name in needed if name not in header]
        if missing:
            wanted, lacks = ",".join(needed), " and ".join(missing)
            raise NotReadable(f"{file}, line 1: the columns must be {wanted}; there is no {lacks}.")
        places = [header.index(n) if n in header else -1 for n in (*needed, *optional)]
        for cells in lines:
            number = lines.line_num  # type: ignore[attr-defined]
            if cells and len(cells) != len(header):
                raise _Row(file, number, cells).wrong(
                    f"{len(cells)} values where the first line names {len(header)} columns."
                )
            if cells:
                yield _Row(file, number, [cells[p].strip() if p >= 0 else "" for p in places])
    except csv.Error as error:
        raise NotReadable(f"{file}, line {number + 1}: this is not CSV: {error}.") from None


def _calls(file: Path, latest: float) -> Iterator[Call]:
    for row in _rows(file, ("customer", "at"), ("knew", "proven")):
        customer, at, knew, proven = row.cells
        if proven.lower() not in _YES | _NO:
            raise row.wrong(f"'{proven}' is neither yes nor no.")
        fields = frozenset(knew.replace(";", " ").lower().split())
        if unknown := sorted(fields - ALL_FIELDS - {"phone"}):
            known = ", ".join(sorted(ALL_FIELDS | {"phone"}))
            raise row.wrong(f"'{unknown[0]}' is no field that a caller can know: {known}.")
        yield Call(
            customer=customer or None,
            day=_day(row, at, latest, end=True),
            knew=fields if knew else None,
            doubt=_UNPROVEN if proven and proven.lower() in _NO else 1.0,
        )


def _keep(log: _Log, row: _Row, latest: float) -> None:
    source, customer, at, team = row.cells
    if not source or not customer:
        raise row.wrong("staff and customer must both be given.")
    if source in (OUTSIDE, EVERYTHING):
        raise row.wrong(
            f"'{source}' is the name of a source that is no member of staff. Rename it."
        )
    day = _day(row, at, latest)
    hour = min(max(int(day * 24), 0), _LATEST)
    key = ((hash(customer) << _HOUR_BITS) & _ALL_BITS) | hour
    log.looks.setdefault(source, array("Q")).append(key)
    log.sample.add(crc32(customer.encode()), source)
    if team:
        log.teams.setdefault(team, set()).add(source)
    if (seen := log.first.get(customer)) is not None:
        seen[source] = min(day, seen.get(source, day))


def _day(row: _Row, text: str, latest: float, *, end: bool = False) -> float:
    """A time as days since 1970; of a date alone the start of the day, or its end."""
    day = _read(row, text, end=end)
    if day < _EARLIEST:
        raise row.wrong(f"'{text}' is before 1990. Write the year in full.")
    if day > latest:
        raise row.wrong(f"'{text}' is in the future. Write when it was.")
    return day


def _read(row: _Row, text: str, *, end: bool) -> float:
    try:
        at = datetime.fromisoformat(text)
        if end and len(text) <= len("2026-11-25"):
            at += timedelta(days=1, microseconds=-1)
        return as_day(at if at.tzinfo else at.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise row.wrong(f"'{text}' is no time. Write it like 2026-11-25T09:30:00Z.") from None


def _fresh(looks: array[int], hours: int) -> Counter[int]:
    """How many customers were seen for the first time in each so many hours."""
    counts: Counter[int] = Counter()
    before = -1
    for key in sorted(looks):
        if key >> _HOUR_BITS != before:
            before = key >> _HOUR_BITS
            counts[(key & _LATEST) // hours] += 1
    return counts


def _require_room(fresh: Iterable[Counter[int]], population: int, access: Path) -> None:
    """Nobody can have seen more customers than there are."""
    if max((counts.total() for counts in fresh), default=0) > population:
        raise NotReadable(
            f"{access}: more customers than the population of {population:,}."
            " Give the number of all customers with --population."
        )
