"""``flask customers``: import, erasure and retention."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup

from channels.app_context import current_time, unit_of_work
from channels.cli.approvals import (
    exit_awaiting_approval,
    is_setup_action,
    reason_option,
    require_command_approval,
)
from channels.cli.customer_erasure import (
    erase_due_customers,
    record_erasure_lookups,
    require_one_customer,
)
from channels.cli.customer_import import (
    copy_with_digest,
    find_resume_point,
    refused_line_reporter,
    run_import,
)
from channels.cli.error_output import readable_errors
from channels.error_texts import describe_error_in_english
from config.settings import Settings
from people.approvals.request_types import PayloadValue
from people.customer_import.progress import ImportCounts
from people.customer_import.record_reader import CSV, FORMATS, JSONL, UnreadableFile
from people.customer_import.runner import ImportRunsElsewhere
from people.models import Customer
from procedures import approval_registry, erasure_request, retention
from vault.audit import audit_log
from vault.audit.acts import AuditAct

customers_group = AppGroup("customers", help="Customers in bulk.")
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
        copy_with_digest(file) as (copy, digest),
        refused_line_reporter(problems) as tell,
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
            reached = None if dry_run else find_resume_point(copy, from_start)
            copy.seek(0)
            try:
                counts = run_import(copy, form, ignore_unknown, reached, tell, size)
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
        count = erase_due_customers(before)
    click.echo(f"{count:,} customers erased.")


@customers_group.command("erase")
@click.option("--reference", default="", help="The customer's external reference.")
@click.option("--phone", default="", help="Their number, with or without country code.")
@reason_option
def erase_customer_command(reference: str, phone: str, why: str) -> None:
    """Erase the data of one customer, who must match all options given. Exits with 3 if two people
    must approve it first."""
    with readable_errors():
        with unit_of_work() as session:  # committed even if the erasure fails
            looked_up = record_erasure_lookups(session, reference, phone)
        which = require_one_customer(looked_up)
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
