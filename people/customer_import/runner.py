"""Runs an import batch by batch. Each batch stores the progress, so that an interrupted import
resumes where it stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, update

from people.customer_import.dry_run import DryRunMemory
from people.customer_import.line_reader import LineReader
from people.customer_import.progress import ImportCounts, ImportProgress
from people.customer_import.record_reader import FileRecord
from people.customer_import.upsert import upsert_rows
from people.customer_import.validation import ImportProblem, ImportRow, ImportRules, validate_record
from people.models import CustomerImport
from vault.audit import audit_log
from vault.audit.acts import AuditAct

BATCH_SIZE = 500
UnitOfWork = Callable[[], AbstractContextManager[Session]]


class ImportRunsElsewhere(Exception):
    """Another process runs this import."""


@dataclass
class _Batch:
    """Rows, no two of which share a reference or a number."""

    rows: list[ImportRow] = field(default_factory=list)
    problems: list[ImportProblem] = field(default_factory=list)
    refs: set[str] = field(default_factory=set)
    phones: set[str] = field(default_factory=set)

    def try_append(self, found: ImportRow | ImportProblem) -> bool:
        if len(self.rows) + len(self.problems) >= BATCH_SIZE:
            return False
        if isinstance(found, ImportProblem):
            self.problems.append(found)
            return True
        if found.ref in self.refs or found.phone in self.phones:
            return False
        self.rows.append(found)
        self.refs.add(found.ref)
        self.phones.add(found.phone)
        return True


class ImportRunner:
    """Imports records from ``source`` into the database. ``unit`` opens a unit of work, ``clock``
    returns the current time; without ``reached`` nothing is stored (a dry run)."""

    def __init__(
        self,
        source: LineReader,
        records: Iterable[FileRecord],
        rules: ImportRules,
        unit: UnitOfWork,
        clock: Callable[[], datetime],
        reached: ImportProgress | None,
    ) -> None:
        self._source, self._records, self._rules = source, records, rules
        self._unit, self._clock, self._reached = unit, clock, reached
        self.counts = reached.counts if reached else ImportCounts()
        self.seen = DryRunMemory()
        self._position = reached.position if reached else 0

    def run_batches(self) -> Iterator[list[ImportProblem]]:
        """Run the import; yield the refused lines of each batch once it is stored. Raises
        ``ImportRunsElsewhere``."""
        for batch, at in self._split_into_batches():
            yield self._store_batch_with_retry(batch, at)
        if self._reached is not None:
            self._finish_import(self._reached)

    def _split_into_batches(self) -> Iterator[tuple[_Batch, tuple[int, int, str]]]:
        batch, at = _Batch(), self._source_position()
        for record in self._records:
            row = validate_record(record, self._rules)
            if not batch.try_append(row):
                yield batch, at
                batch = _Batch()
                batch.try_append(row)
            at = self._source_position()
        if batch.rows or batch.problems:
            yield batch, at

    def _source_position(self) -> tuple[int, int, str]:
        return self._source.position, self._source.line, self._source.digest

    def _store_batch_with_retry(
        self, batch: _Batch, at: tuple[int, int, str]
    ) -> list[ImportProblem]:
        try:
            counts, problems = self._store_batch(batch, at)
        except IntegrityError:  # another transaction added one of them: try again
            counts, problems = self._store_batch(batch, at)
        self.counts, self._position = counts, at[0]
        return problems

    def _store_batch(
        self, batch: _Batch, at: tuple[int, int, str]
    ) -> tuple[ImportCounts, list[ImportProblem]]:
        now, dry_run = self._clock(), self._reached is None
        with self._unit() as session:
            outcome = upsert_rows(session, batch.rows, self._rules, now, dry_run=dry_run)
            if dry_run:
                outcome = self.seen.reconcile_batch(outcome)
            problems = sorted((*batch.problems, *outcome.problems), key=lambda each: each.line)
            counts = self.counts + ImportCounts(
                len(outcome.added),
                len(outcome.changed) + outcome.altered,
                outcome.same,
                len(problems),
            )
            if self._reached is not None:
                self._save_import_progress(session, self._reached, counts, at)
        return counts, problems

    def _save_import_progress(
        self,
        session: Session,
        reached: ImportProgress,
        counts: ImportCounts,
        at: tuple[int, int, str],
    ) -> None:
        result = session.exec(
            update(CustomerImport)
            .where(
                col(CustomerImport.id) == reached.id,
                col(CustomerImport.position) == self._position,
                col(CustomerImport.finished_at).is_(None),
            )
            .values(position=at[0], line=at[1], digest=at[2], **vars(counts))
        )
        if result.rowcount != 1:
            raise ImportRunsElsewhere

    def _finish_import(self, reached: ImportProgress) -> None:
        now, counts = self._clock(), self.counts
        with self._unit() as session:
            session.exec(
                update(CustomerImport)
                .where(col(CustomerImport.id) == reached.id)
                .values(finished_at=now)
            )
            summary = " ".join(f"{count} {name}" for name, count in vars(counts).items())
            detail = f"{reached.id} {summary}"
            audit_log.record_act(
                session, audit_log.OPERATOR, AuditAct.IMPORT_END, now, detail=detail
            )
