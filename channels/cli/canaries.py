"""``flask canaries``: customers who do not exist, from numbers that the company owns."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from uuid import UUID

import click
from flask.cli import AppGroup

from channels.app_context import ctx, now, unit
from channels.cli.error_output import plainly
from incidents.canaries import creation, import_injection, store
from people import phone_numbers
from people.customer_import.line_reader import Source
from people.customer_import.runner import Importing, begin
from people.customer_import.validation import Rules
from people.customers import customer_records, lookup_log
from people.errors import InvalidInput
from vault.audit import audit_log

canaries = AppGroup(
    "canaries", help="Customers who do not exist, so that whoever knows one has it from us."
)
_PATH = click.Path(exists=True, dir_okay=False, path_type=Path)


def import_rules() -> Rules:
    """What this installation takes from a file."""
    policy = ctx().policy
    return Rules(policy.languages, policy.default_region, policy.countries, policy.default_zone)


@canaries.command("add")
@click.option("--numbers", type=_PATH, required=True, help="A file with a number a line.")
@click.option("--ref", required=True, help="How your references look: # is a digit, ? a letter.")
@click.option("--at-once", is_flag=True, help="Do not wait for the next import of customers.")
def add(numbers: Path, ref: str, at_once: bool) -> None:
    """Add a canary for each number in a file, which must be numbers that the company owns.

    They come in with the next import of customers, scattered over it.
    """
    lines = [line.strip() for line in numbers.read_text().splitlines() if line.strip()]
    with plainly():
        _look_up(lines)
        with unit() as session:
            creation.plan(session, lines, import_rules(), now(), reference=ref)
        if at_once:
            _import()
    when = "are in" if at_once else "come in with the next import of customers"
    click.echo(f"{len(lines):,} canaries {when}. Delete the file with their numbers.")


def _look_up(lines: list[str]) -> None:
    """Planning says which number is a customer's: each is written down as looked up first."""
    with unit() as session:
        for line in lines:
            try:
                found = customer_records.find_by_phone(session, phone_numbers.parse(line, ""))
            except InvalidInput:
                continue
            who = found.id if found else None
            lookup_log.note_customer(session, audit_log.OPERATOR, who, "", "canaries", now())


def _import() -> None:
    with unit() as session:
        found = import_injection.waiting(session)
        reached = begin(session, now())
    source = Source(BytesIO())
    work = Importing(source, import_injection.records(found), import_rules(), unit, now, reached)
    for _ in work.run():
        pass


@canaries.command("plant")
@click.argument("callback", type=click.UUID)
def plant(callback: UUID) -> None:
    """Let staff meet a canary through CALLBACK, an id that your helpdesk got by booking it over the
    API: opening it through that callback raises no case."""
    with plainly(), unit() as session:
        creation.plant(session, callback, now())
    click.echo("Whoever holds it meets the canary in turn.")


@canaries.command("list")
def count() -> None:
    """Say how many there are, and no more."""
    with plainly(), unit(read_only=True) as session:
        found = store.known(session)
        waiting = import_injection.waiting(session)
    click.echo(f"{len(found.canaries):,} canaries, {len(waiting):,} of them still to come in.")
