"""An import from its first line to its last: batch by batch, each with how far it has come, so that
one that was killed goes on where it stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select, update

from people.customer_import.dry_run import Seen
from people.customer_import.line_reader import Source
from people.customer_import.record_reader import Record
from people.customer_import.upsert import keep
from people.customer_import.validation import Problem, Row, Rules, checked
from people.models import CustomerImport
from vault.audit import audit_log
from vault.audit.acts import AuditAct

BATCH = 500
Unit = Callable[[], AbstractContextManager[Session]]


class GoesOnElsewhere(Exception):
    """Another process works on this very import."""


@dataclass
class Counts:
    """How many lines came out how."""

    added: int = 0
    changed: int = 0
    same: int = 0
    refused: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.added + other.added,
            self.changed + other.changed,
            self.same + other.same,
            self.refused + other.refused,
        )


@dataclass
class _Batch:
    """Rows of which no two have a reference or a number in common."""

    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    refs: set[str] = field(default_factory=set)
    phones: set[str] = field(default_factory=set)

    def takes(self, found: Row | Problem) -> bool:
        if len(self.rows) + len(self.problems) >= BATCH:
            return False
        if isinstance(found, Problem):
            self.problems.append(found)
            return True
        if found.ref in self.refs or found.phone in self.phones:
            return False
        self.rows.append(found)
        self.refs.add(found.ref)
        self.phones.add(found.phone)
        return True


@dataclass(frozen=True)
class Reached:
    """How far an earlier import of a file came that has not been finished."""

    id: UUID
    position: int
    line: int
    digest: str
    counts: Counts


def unfinished(session: Session) -> list[Reached]:
    """Imports that have not come to their end, latest first."""
    rows = session.exec(
        select(CustomerImport)
        .where(col(CustomerImport.finished_at).is_(None))
        .order_by(col(CustomerImport.id).desc())
        .limit(20)
    )
    return [
        Reached(
            row.id,
            row.position,
            row.line,
            row.digest,
            Counts(row.added, row.changed, row.same, row.refused),
        )
        for row in rows
    ]


def begin(session: Session, now: datetime) -> Reached:
    """A new import."""
    row = CustomerImport(started_at=now)
    session.add(row)
    session.flush()
    audit_log.record(session, audit_log.OPERATOR, AuditAct.IMPORT_BEGIN, now, detail=str(row.id))
    return Reached(row.id, 0, 0, "", Counts())


class Importing:
    """Takes records, those of a source above all, into the store. ``unit`` opens a unit of work,
    ``clock`` tells the time; without ``reached`` nothing is kept (a dry run)."""

    def __init__(
        self,
        source: Source,
        records: Iterable[Record],
        rules: Rules,
        unit: Unit,
        clock: Callable[[], datetime],
        reached: Reached | None,
    ) -> None:
        self._source, self._records, self._rules = source, records, rules
        self._unit, self._clock, self._reached = unit, clock, reached
        self.counts = reached.counts if reached else Counts()
        self.seen = Seen()
        self._position = reached.position if reached else 0

    def run(self) -> Iterator[list[Problem]]:
        """Go through it; gives the refused lines of each batch once that is kept. Raises
        ``GoesOnElsewhere``."""
        for batch, at in self._batches():
            yield self._kept(batch, at)
        if self._reached is not None:
            self._finish(self._reached)

    def _batches(self) -> Iterator[tuple[_Batch, tuple[int, int, str]]]:
        batch, at = _Batch(), self._at()
        for record in self._records:
            found = checked(record, self._rules)
            if not batch.takes(found):
                yield batch, at
                batch = _Batch()
                batch.takes(found)
            at = self._at()
        if batch.rows or batch.problems:
            yield batch, at

    def _at(self) -> tuple[int, int, str]:
        return self._source.position, self._source.line, self._source.digest

    def _kept(self, batch: _Batch, at: tuple[int, int, str]) -> list[Problem]:
        try:
            counts, problems = self._tried(batch, at)
        except IntegrityError:  # somebody added one of them at this moment: look again
            counts, problems = self._tried(batch, at)
        self.counts, self._position = counts, at[0]
        return problems

    def _tried(self, batch: _Batch, at: tuple[int, int, str]) -> tuple[Counts, list[Problem]]:
        now, dry_run = self._clock(), self._reached is None
        with self._unit() as session:
            found = keep(session, batch.rows, self._rules, now, dry_run=dry_run)
            if dry_run:
                found = self.seen.again(found)
            problems = sorted((*batch.problems, *found.problems), key=lambda each: each.line)
            counts = self.counts + Counts(
                len(found.added), len(found.changed) + found.altered, found.same, len(problems)
            )
            if self._reached is not None:
                self._note(session, self._reached, counts, at)
        return counts, problems

    def _note(
        self, session: Session, reached: Reached, counts: Counts, at: tuple[int, int, str]
    ) -> None:
        noted = session.exec(
            update(CustomerImport)
            .where(
                col(CustomerImport.id) == reached.id,
                col(CustomerImport.position) == self._position,
                col(CustomerImport.finished_at).is_(None),
            )
            .values(position=at[0], line=at[1], digest=at[2], **vars(counts))
        )
        if noted.rowcount != 1:
            raise GoesOnElsewhere

    def _finish(self, reached: Reached) -> None:
        now, counts = self._clock(), self.counts
        with self._unit() as session:
            session.exec(
                update(CustomerImport)
                .where(col(CustomerImport.id) == reached.id)
                .values(finished_at=now)
            )
            told = " ".join(f"{count} {name}" for name, count in vars(counts).items())
            detail = f"{reached.id} {told}"
            audit_log.record(session, audit_log.OPERATOR, AuditAct.IMPORT_END, now, detail=detail)
