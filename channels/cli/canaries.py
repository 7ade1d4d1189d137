"""``flask canaries``: customers who do not exist, with numbers that the company owns."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from uuid import UUID

import click
from flask.cli import AppGroup

from channels.app_context import current_context, current_time, unit_of_work
from channels.cli.error_output import readable_errors
from incidents.canaries import creation, import_injection, store
from people import phone_numbers
from people.customer_import.line_reader import LineReader
from people.customer_import.progress import create_import
from people.customer_import.runner import ImportRunner
from people.customer_import.validation import ImportRules
from people.customers import customer_records, lookup_log
from people.errors import InvalidInput
from vault.audit import audit_log

canaries_group = AppGroup(
    "canaries", help="Customers who do not exist, so that anyone who knows one got it from us."
)
_PATH = click.Path(exists=True, dir_okay=False, path_type=Path)


def import_rules() -> ImportRules:
    """Return the rules this installation applies to imported records."""
    policy = current_context().policy
    return ImportRules(
        policy.languages, policy.default_region, policy.countries, policy.default_zone
    )


@canaries_group.command("add")
@click.option("--numbers", type=_PATH, required=True, help="A file with a number a line.")
@click.option("--ref", required=True, help="How your references look: # is a digit, ? a letter.")
@click.option("--at-once", is_flag=True, help="Do not wait for the next import of customers.")
def add_canaries_command(numbers: Path, ref: str, at_once: bool) -> None:
    """Add a canary for each number in a file. The company must own the numbers.

    The canaries are added at random places of the next import of customers.
    """
    lines = [line.strip() for line in numbers.read_text().splitlines() if line.strip()]
    with readable_errors():
        _record_number_lookups(lines)
        with unit_of_work() as session:
            creation.plan_canaries(session, lines, import_rules(), current_time(), reference=ref)
        if at_once:
            _import_waiting_canaries()
    when = "are in" if at_once else "come in with the next import of customers"
    click.echo(f"{len(lines):,} canaries {when}. Delete the file with their numbers.")


def _record_number_lookups(lines: list[str]) -> None:
    """Audit a look-up of each number: planning canaries reveals which numbers belong to
    customers."""
    with unit_of_work() as session:
        for line in lines:
            try:
                customer = customer_records.find_by_phone(
                    session, phone_numbers.parse_phone(line, "")
                )
            except InvalidInput:
                continue
            customer_id = customer.id if customer else None
            lookup_log.log_customer_lookup(
                session, audit_log.OPERATOR, customer_id, "", "canaries", current_time()
            )


def _import_waiting_canaries() -> None:
    with unit_of_work() as session:
        pending = import_injection.list_pending_canaries(session)
        reached = create_import(session, current_time())
    source = LineReader(BytesIO())
    work = ImportRunner(
        source,
        import_injection.build_import_records(pending),
        import_rules(),
        unit_of_work,
        current_time,
        reached,
    )
    for _ in work.run_batches():
        pass


@canaries_group.command("plant")
@click.argument("callback", type=click.UUID)
def plant_canary_command(callback: UUID) -> None:
    """Let staff meet a canary through CALLBACK, the id of a callback that your helpdesk booked over
    the API. Opening the canary through that callback opens no case."""
    with readable_errors(), unit_of_work() as session:
        creation.plant_canary_callback(session, callback, current_time())
    click.echo("The holder meets the canary in turn.")


@canaries_group.command("list")
def count_canaries_command() -> None:
    """Print the number of canaries, and nothing else about them."""
    with readable_errors(), unit_of_work(read_only=True) as session:
        known = store.load_canaries(session)
        waiting = import_injection.list_pending_canaries(session)
    click.echo(f"{len(known.canaries):,} canaries, {len(waiting):,} of them still to come in.")
