"""Runs an import of customers from a file, shows its progress, and reports refused lines."""

from __future__ import annotations

import csv
import hashlib
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

import click

from channels.app_context import current_time, unit_of_work
from channels.cli.canaries import import_rules
from channels.error_texts import describe_error_in_english
from incidents.canaries import import_injection
from incidents.canaries.import_injection import ImportDetector
from people.customer_import.dry_run import MAX_REMEMBERED_ROWS
from people.customer_import.line_reader import LineReader
from people.customer_import.progress import (
    ImportCounts,
    ImportProgress,
    create_import,
    list_unfinished_imports,
)
from people.customer_import.record_reader import RecordReader
from people.customer_import.runner import ImportRunner
from people.customer_import.validation import ImportProblem

MAX_SHOWN_LINES = 50
_CHUNK = 1 << 20


@contextmanager
def copy_with_digest(file: Path) -> Iterator[tuple[BinaryIO, str]]:
    """Yield an unnamed copy and its SHA-256 digest. The approved content is what is imported, even
    if the file changes meanwhile."""
    digest = hashlib.sha256()
    with tempfile.TemporaryFile() as copy:
        with file.open("rb") as opened:
            while chunk := opened.read(_CHUNK):
                digest.update(chunk)
                copy.write(chunk)
        yield cast(BinaryIO, copy), digest.hexdigest()


def find_resume_point(copy: BinaryIO, from_start: bool) -> ImportProgress:
    """Return the progress of an unfinished import of this same file, or begin a new import."""
    with unit_of_work() as session:
        for progress in [] if from_start else list_unfinished_imports(session):
            copy.seek(0)
            source = LineReader(copy)
            if (
                progress.position
                and source.skip_to_position(progress.position)
                and source.digest == progress.digest
            ):
                click.echo(f"Continuing after line {progress.line}.", err=True)
                return progress
        return create_import(session, current_time())


def run_import(
    opened: BinaryIO,
    form: str,
    ignore_unknown: bool,
    reached: ImportProgress | None,
    tell: Any,
    size: int,
) -> ImportCounts:
    """Import the records of an open file from where an earlier run stopped; ``tell`` gets the
    refused lines."""
    source = LineReader(opened)
    records = RecordReader(source, form, ignore_unknown=ignore_unknown)
    if reached is not None:
        source.skip_to_position(reached.position)
    rules = import_rules()
    with unit_of_work() as session:
        lookout = ImportDetector(session, rules.default_region)
        some = import_injection.list_pending_canaries(session) if reached else []
    mixed = import_injection.insert_at_random_places(
        lookout.scan_import_records(records), some, source, size
    )
    work = ImportRunner(source, mixed, rules, unit_of_work, current_time, reached)
    with click.progressbar(length=size, file=sys.stderr, label="Importing") as bar:
        bar.update(source.position)
        for refused in work.run_batches():
            tell(refused)
            bar.update(source.position - bar.pos)
    with unit_of_work() as session:
        lookout.report_detected_canaries(
            session, f"import:{reached.id if reached else current_time()}", current_time()
        )
    if work.seen.full:
        click.echo(
            f"Only the first {MAX_REMEMBERED_ROWS:,} customers of the file were held against later"
            " lines: an import may refuse more lines of the same reference or number.",
            err=True,
        )
    return work.counts


@contextmanager
def refused_line_reporter(path: Path | None) -> Iterator[Any]:
    """Report refused lines: all of them to a file, or the first few to the terminal."""
    if path is not None:
        with path.open("a", newline="") as file:
            yield _csv_line_reporter(file)
        return
    shown: list[ImportProblem] = []

    def keep_first_refused(refused: list[ImportProblem]) -> None:
        shown.extend(refused[: MAX_SHOWN_LINES - len(shown)])

    yield keep_first_refused
    for problem in shown:
        click.echo(
            f"Line {problem.line}, {problem.field}: {describe_error_in_english(problem.problem)}",
            err=True,
        )


def _csv_line_reporter(file: TextIO) -> Any:
    writer = csv.writer(file)

    def write_refused_lines(refused: list[ImportProblem]) -> None:
        writer.writerows(
            (problem.line, problem.field, describe_error_in_english(problem.problem))
            for problem in refused
        )
        file.flush()

    return write_refused_lines
