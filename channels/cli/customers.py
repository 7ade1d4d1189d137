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

from channels.app_context import ctx, now, unit
from channels.cli.approvals import approved, setting_up, wait, why_option
from channels.cli.canaries import import_rules
from channels.cli.error_output import plainly
from config.settings import Settings
from incidents.canaries import import_injection
from incidents.canaries.import_injection import Lookout
from people import phone_numbers
from people.approvals.request_types import Value
from people.customer_import.dry_run import MOST
from people.customer_import.line_reader import Source
from people.customer_import.record_reader import CSV, FORMATS, JSONL, NotReadable, Records
from people.customer_import.runner import (
    Counts,
    GoesOnElsewhere,
    Importing,
    Reached,
    begin,
    unfinished,
)
from people.customer_import.validation import Problem
from people.customers import customer_records, lookup_log
from people.errors import NotFound
from people.models import Customer
from procedures import approval_registry, erasure_request, retention
from vault.audit import audit_log
from vault.audit.acts import AuditAct

customers_group = AppGroup("customers", help="Customers in bulk.")
SHOWN = 50
_CHUNK = 1 << 20
_ENDINGS = {".csv": CSV, ".tsv": CSV, ".txt": CSV, ".jsonl": JSONL, ".ndjson": JSONL}
_PATH = click.Path(exists=True, dir_okay=False, path_type=Path)


@customers_group.command("import")
@click.argument("file", type=_PATH)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="By the file's name if not given."
)
@click.option("--dry-run", is_flag=True, help="Only say what would come of it.")
@click.option("--ignore-unknown", is_flag=True, help="Leave out columns we have no use for.")
@click.option("--from-start", is_flag=True, help="Do not go on where an earlier import stopped.")
@click.option(
    "--problems",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write every refused line's number and reason to this CSV file.",
)
@why_option
def import_customers(
    file: Path,
    form: str | None,
    dry_run: bool,
    ignore_unknown: bool,
    from_start: bool,
    problems: Path | None,
    why: str,
) -> None:
    """Add customers from FILE (CSV with a first line of column names, or JSON lines), or bring
    them up to date: external_ref, phone, name, and, if you have them, locale and timezone.

    Known by external_ref. Safe to run again, and goes on where it was stopped. Ends with 1 when
    lines were refused; all others are in. Ends with 3 when two people must approve it first.
    """
    form = form or _ENDINGS.get(file.suffix.lower())
    if form is None:
        raise click.UsageError("Say what the file is: --format csv or --format jsonl.")
    with plainly(), _copied(file) as (copy, digest), _told(problems) as tell:
        size = copy.seek(0, 2)
        asked: dict[str, Value] = {
            "file": file.name,
            "sha256": digest,
            "bytes": size,
            "format": form,
            "ignore unknown columns": ignore_unknown,
        }
        with nullcontext() if dry_run else approved(approval_registry.IMPORT, asked, why):
            reached = None if dry_run else _reached(copy, from_start)
            copy.seek(0)
            try:
                counts = _imported(copy, form, ignore_unknown, reached, tell, size)
            except NotReadable as error:
                raise click.ClickException(str(error)) from None
            except GoesOnElsewhere:
                raise click.ClickException("Another process is importing this file.") from None
    if dry_run:  # it tells who is a customer, and takes nobody's approval
        with unit() as session:
            looked_up = counts.added + counts.changed + counts.same
            audit_log.record(
                session,
                audit_log.OPERATOR,
                AuditAct.IMPORT_TRY,
                now(),
                detail=f"{looked_up} looked up",
            )
    _conclude(counts, dry_run)


@contextmanager
def _copied(file: Path) -> Iterator[tuple[BinaryIO, str]]:
    """A copy without a name, and its digest (SHA-256): what was approved is what is imported,
    whatever becomes of the file meanwhile."""
    digest = hashlib.sha256()
    with tempfile.TemporaryFile() as copy:
        with file.open("rb") as opened:
            while chunk := opened.read(_CHUNK):
                digest.update(chunk)
                copy.write(chunk)
        yield cast(BinaryIO, copy), digest.hexdigest()


def _reached(copy: BinaryIO, from_start: bool) -> Reached:
    """Where to go on: at the end of what an unfinished import read of this very file."""
    with unit() as session:
        for each in [] if from_start else unfinished(session):
            copy.seek(0)
            source = Source(copy)
            if each.position and source.skip_to(each.position) and source.digest == each.digest:
                click.echo(f"Going on after line {each.line}.", err=True)
                return each
        return begin(session, now())


def _imported(
    opened: BinaryIO,
    form: str,
    ignore_unknown: bool,
    reached: Reached | None,
    tell: Any,
    size: int,
) -> Counts:
    source = Source(opened)
    records = Records(source, form, ignore_unknown=ignore_unknown)
    if reached is not None:
        source.skip_to(reached.position)
    rules = import_rules()
    with unit() as session:
        lookout = Lookout(session, rules.default_region)
        some = import_injection.waiting(session) if reached else []
    mixed = import_injection.scattered(lookout.over(records), some, source, size)
    work = Importing(source, mixed, rules, unit, now, reached)
    with click.progressbar(length=size, file=sys.stderr, label="Importing") as bar:
        bar.update(source.position)
        for refused in work.run():
            tell(refused)
            bar.update(source.position - bar.pos)
    with unit() as session:
        lookout.tell(session, f"import:{reached.id if reached else now()}", now())
    if work.seen.full:
        click.echo(
            f"Only the first {MOST:,} customers of the file were held against later lines: an"
            " import may refuse more lines of the same reference or number.",
            err=True,
        )
    return work.counts


@contextmanager
def _told(path: Path | None) -> Iterator[Any]:
    """Tells of refused lines: all to a file, or the first few to the terminal."""
    if path is not None:
        with path.open("a", newline="") as file:
            yield _to_file(file)
        return
    told: list[Problem] = []

    def keep(refused: list[Problem]) -> None:
        told.extend(refused[: SHOWN - len(told)])

    yield keep
    for each in told:
        click.echo(f"Line {each.line}, {each.field}: {each.sentence}", err=True)


def _to_file(file: TextIO) -> Any:
    writer = csv.writer(file)

    def write(refused: list[Problem]) -> None:
        writer.writerows((each.line, each.field, each.sentence) for each in refused)
        file.flush()

    return write


def _conclude(counts: Counts, dry_run: bool) -> None:
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
@why_option
def apply_retention(days: int | None, dry_run: bool, why: str) -> None:
    """Erase what is known of customers whose last callback is longer ago than that, now; the worker
    does so by itself where VOUCHLINE_RETENTION_DAYS is set."""
    settings: Settings = current_app.config["VOUCHLINE_SETTINGS"]
    days = days or settings.retention_days
    if days is None:
        raise click.UsageError("Set VOUCHLINE_RETENTION_DAYS, or give --days.")
    before = now() - timedelta(days=days)
    if dry_run:
        with plainly(), unit(read_only=True) as session:
            count = len(retention.due(session, before, limit=1_000_000_000))
        click.echo(f"{count:,} customers would be erased.")
        return
    with approved(approval_registry.RETENTION, {"days": days}, why):
        count = _erased(before)
    click.echo(f"{count:,} customers erased.")


def _erased(before: datetime) -> int:
    count = 0
    while found := _due(before):
        with click.progressbar(
            range(0, len(found), retention.AT_A_TIME), file=sys.stderr, label="Erasing"
        ) as starts:
            for start in starts:
                some = found[start : start + retention.AT_A_TIME]
                with unit() as session:
                    retention.erase_due(session, some, before, audit_log.OPERATOR, now())
        count += len(found)
    return count


def _due(before: datetime) -> list[UUID]:
    with unit(read_only=True) as session:
        return retention.due(session, before)


@customers_group.command("erase")
@click.option("--reference", default="", help="The customer's external reference.")
@click.option("--phone", default="", help="Their number, with or without country code.")
@why_option
def erase(reference: str, phone: str, why: str) -> None:
    """Erase what is known of one customer, whom all that is given must fit. Ends with 3 when two
    people must approve it first."""
    with plainly():
        with unit() as session:  # kept, whatever becomes of it
            looked_up = _look_up(session, reference, phone)
        which = _the_one(looked_up)
    with plainly(), unit() as session:
        found = session.get_one(Customer, which)
        at_once = setting_up(session, erasure_request.ERASE.name)
        if at_once:
            erasure_request.at_once(session, found, audit_log.OPERATOR, now())
        else:
            erasure_request.ask(session, found, why, None, now())
    if not at_once:
        wait("They are erased at the second approval; there is nothing more to run.")
    click.echo("1 customer erased.")


def _look_up(session: Session, reference: str, phone: str) -> list[UUID | None]:
    """The customers with this reference and this number; each look-up is written down."""
    number = phone_numbers.parse(phone, ctx().policy.default_region) if phone else ""
    found = []
    if reference:
        found.append(customer_records.find_by_external_ref(session, reference))
    if phone:
        found.append(customer_records.find_by_phone(session, number))
    ids = [each.id if each else None for each in found]
    for who in ids:
        lookup_log.note_customer(session, audit_log.OPERATOR, who, "", "erasure", now())
    return ids


def _the_one(found: list[UUID | None]) -> UUID:
    first = found[0] if found else None
    if first is not None and all(each == first for each in found):
        return first
    if len(found) > 1:
        raise NotFound("No customer has both this reference and this number. Nobody is erased.")
    raise NotFound("There is no such customer. Give --reference or --phone.")
