"""``flask customers``: import, erasure and retention."""

from __future__ import annotations

import csv
import hashlib
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast
from uuid import UUID

import click
from flask import current_app
from flask.cli import AppGroup
from sqlmodel import Session

from channels.app_context import current_context, current_time, unit_of_work
from channels.cli.approvals import (
    exit_awaiting_approval,
    is_setup_action,
    reason_option,
    require_command_approval,
)
from channels.cli.canaries import import_rules
from channels.cli.error_output import readable_errors
from channels.error_codes import ChannelErrorCode
from channels.error_texts import describe_error_in_english
from config.settings import Settings
from incidents.canaries import import_injection
from incidents.canaries.import_injection import ImportDetector
from people import phone_numbers
from people.approvals.request_types import PayloadValue
from people.customer_import.dry_run import MAX_REMEMBERED_ROWS
from people.customer_import.line_reader import LineReader
from people.customer_import.record_reader import CSV, FORMATS, JSONL, RecordReader, UnreadableFile
from people.customer_import.runner import (
    ImportCounts,
    ImportProgress,
    ImportRunner,
    ImportRunsElsewhere,
    create_import,
    list_unfinished_imports,
)
from people.customer_import.validation import ImportProblem
from people.customers import customer_records, lookup_log
from people.errors import NotFound
from people.models import Customer
from procedures import approval_registry, erasure_request, retention
from vault.audit import audit_log
from vault.audit.acts import AuditAct

customers_group = AppGroup("customers", help="Customers in bulk.")
MAX_SHOWN_LINES = 50
_CHUNK = 1 << 20
_FORMAT_BY_SUFFIX = {".csv": CSV, ".tsv": CSV, ".txt": CSV, ".jsonl": JSONL, ".ndjson": JSONL}
_PATH = click.Path(exists=True, dir_okay=False, path_type=Path)


@customers_group.command("import")
@click.argument("file", type=_PATH)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="By the file's name if not given."
)
@click.option("--dry-run", is_flag=True, help="Only print what an import would change.")
@click.option("--ignore-unknown", is_flag=True, help="Leave out columns we have no use for.")
@click.option(
    "--from-start",
    is_flag=True,
    help="Begin with the first line, even if an earlier import stopped later.",
)
@click.option(
    "--problems",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write every refused line's number and reason to this CSV file.",
)
@reason_option
def import_customers_command(
    file: Path,
    form: str | None,
    dry_run: bool,
    ignore_unknown: bool,
    from_start: bool,
    problems: Path | None,
    why: str,
) -> None:
    """Add or update customers from FILE: CSV with a header line, or JSON lines. Columns:
    external_ref, phone, name, and optionally locale and timezone.

    Customers are matched by external_ref. Safe to run again; continues where an earlier run
    stopped. Exits with 1 if lines were refused (all others are imported), and with 3 if two people
    must approve it first.
    """
    form = form or _FORMAT_BY_SUFFIX.get(file.suffix.lower())
    if form is None:
        raise click.UsageError("Say what the file is: --format csv or --format jsonl.")
    with (
        readable_errors(),
        _copy_with_digest(file) as (copy, digest),
        _refused_line_reporter(problems) as tell,
    ):
        size = copy.seek(0, 2)
        asked: dict[str, PayloadValue] = {
            "file": file.name,
            "sha256": digest,
            "bytes": size,
            "format": form,
            "ignore unknown columns": ignore_unknown,
        }
        with (
            nullcontext()
            if dry_run
            else require_command_approval(approval_registry.IMPORT_CUSTOMERS, asked, why)
        ):
            reached = None if dry_run else _find_resume_point(copy, from_start)
            copy.seek(0)
            try:
                counts = _run_import(copy, form, ignore_unknown, reached, tell, size)
            except UnreadableFile as error:
                raise click.ClickException(describe_error_in_english(error)) from None
            except ImportRunsElsewhere:
                raise click.ClickException("Another process is importing this file.") from None
    if dry_run:  # a dry run reveals who is a customer and needs no approval, so it is audited
        with unit_of_work() as session:
            looked_up = counts.added + counts.changed + counts.same
            audit_log.record_act(
                session,
                audit_log.OPERATOR,
                AuditAct.IMPORT_TRY,
                current_time(),
                detail=f"{looked_up} looked up",
            )
    _print_import_counts(counts, dry_run)


@contextmanager
def _copy_with_digest(file: Path) -> Iterator[tuple[BinaryIO, str]]:
    """Yield an unnamed copy and its SHA-256 digest. The approved content is what is imported, even
    if the file changes meanwhile."""
    digest = hashlib.sha256()
    with tempfile.TemporaryFile() as copy:
        with file.open("rb") as opened:
            while chunk := opened.read(_CHUNK):
                digest.update(chunk)
                copy.write(chunk)
        yield cast(BinaryIO, copy), digest.hexdigest()


def _find_resume_point(copy: BinaryIO, from_start: bool) -> ImportProgress:
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


def _run_import(
    opened: BinaryIO,
    form: str,
    ignore_unknown: bool,
    reached: ImportProgress | None,
    tell: Any,
    size: int,
) -> ImportCounts:
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
def _refused_line_reporter(path: Path | None) -> Iterator[Any]:
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


def _print_import_counts(counts: ImportCounts, dry_run: bool) -> None:
    would = "would be " if dry_run else ""
    click.echo(
        f"{counts.added:,} {would}added, {counts.changed:,} {would}changed,"
        f" {counts.same:,} the same, {counts.refused:,} {would}refused."
    )
    if counts.refused:
        sys.exit(1)


@customers_group.command("retention")
@click.option("--days", type=click.IntRange(1), help="VOUCHLINE_RETENTION_DAYS unless given.")
@click.option("--dry-run", is_flag=True, help="Only say how many.")
@reason_option
def apply_retention_command(days: int | None, dry_run: bool, why: str) -> None:
    """Erase the data of customers whose last callback is longer ago than the period, now. The
    worker does this automatically if VOUCHLINE_RETENTION_DAYS is set."""
    settings: Settings = current_app.config["VOUCHLINE_SETTINGS"]
    days = days or settings.retention_days
    if days is None:
        raise click.UsageError("Set VOUCHLINE_RETENTION_DAYS, or give --days.")
    before = current_time() - timedelta(days=days)
    if dry_run:
        with readable_errors(), unit_of_work(read_only=True) as session:
            count = len(retention.list_expired_customers(session, before, limit=1_000_000_000))
        click.echo(f"{count:,} customers would be erased.")
        return
    with require_command_approval(approval_registry.APPLY_RETENTION, {"days": days}, why):
        count = _erase_due_customers(before)
    click.echo(f"{count:,} customers erased.")


def _erase_due_customers(before: datetime) -> int:
    count = 0
    while due := _customers_due_for_erasure(before):
        with click.progressbar(
            range(0, len(due), retention.BATCH_SIZE), file=sys.stderr, label="Erasing"
        ) as starts:
            for start in starts:
                some = due[start : start + retention.BATCH_SIZE]
                with unit_of_work() as session:
                    retention.erase_expired_customers(
                        session, some, before, audit_log.OPERATOR, current_time()
                    )
        count += len(due)
    return count


def _customers_due_for_erasure(before: datetime) -> list[UUID]:
    with unit_of_work(read_only=True) as session:
        return retention.list_expired_customers(session, before)


@customers_group.command("erase")
@click.option("--reference", default="", help="The customer's external reference.")
@click.option("--phone", default="", help="Their number, with or without country code.")
@reason_option
def erase_customer_command(reference: str, phone: str, why: str) -> None:
    """Erase the data of one customer, who must match all options given. Exits with 3 if two people
    must approve it first."""
    with readable_errors():
        with unit_of_work() as session:  # committed even if the erasure fails
            looked_up = _record_erasure_lookups(session, reference, phone)
        which = _require_one_customer(looked_up)
    with readable_errors(), unit_of_work() as session:
        customer = session.get_one(Customer, which)
        at_once = is_setup_action(session, erasure_request.ERASE_CUSTOMER.name)
        if at_once:
            erasure_request.erase_immediately(session, customer, audit_log.OPERATOR, current_time())
        else:
            erasure_request.request_erasure(session, customer, why, None, current_time())
    if not at_once:
        exit_awaiting_approval(
            "They are erased at the second approval; there is nothing more to run."
        )
    click.echo("1 customer erased.")


def _record_erasure_lookups(session: Session, reference: str, phone: str) -> list[UUID | None]:
    """Return the ids of the customers with this reference and this number. Each look-up is
    audited."""
    number = (
        phone_numbers.parse_phone(phone, current_context().policy.default_region) if phone else ""
    )
    matches = []
    if reference:
        matches.append(customer_records.find_by_external_ref(session, reference))
    if phone:
        matches.append(customer_records.find_by_phone(session, number))
    ids = [customer.id if customer else None for customer in matches]
    for customer_id in ids:
        lookup_log.log_customer_lookup(
            session, audit_log.OPERATOR, customer_id, "", "erasure", current_time()
        )
    return ids


def _require_one_customer(found: list[UUID | None]) -> UUID:
    first = found[0] if found else None
    if first is not None and all(customer_id == first for customer_id in found):
        return first
    if len(found) > 1:
        raise NotFound(ChannelErrorCode.CUSTOMER_PAIR_UNKNOWN)
    raise NotFound(ChannelErrorCode.CUSTOMER_UNKNOWN)
