"""What the command line asks for takes two members of staff, since it has no identity itself; and
``flask approvals``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn
from uuid import UUID

import click
from flask.cli import AppGroup
from sqlmodel import Session

from channels.app_context import ctx, now, unit
from channels.cli.error_output import plainly
from people.approvals import approval_inbox, approval_requests, bootstrap, command_execution
from people.approvals.request_types import Kind, Payload
from procedures import approval_registry

#: How a command ends that waits for approval.
WAITS = 3
NO_WHY = "No reason was given on the command line."
why_option = click.option(
    "--why", default=NO_WHY, help="The reason, read by the two who approve where that is needed."
)
approvals = AppGroup("approvals", help="What the command line has asked for.")


def kind_of(name: str) -> Kind:
    """A row of the table."""
    return approval_registry.kinds(ctx().policy)[name]


@contextmanager
def approved(name: str, payload: Payload, why: str) -> Iterator[None]:
    """Do something long once two members of staff have approved exactly this; until then file the
    request, say who must approve it where, and exit. Killed in the middle, the next run goes on
    under the same approval."""
    with plainly():
        with unit() as session:
            may_go_on, request = _looked_up(session, kind_of(name), payload, why)
        if not may_go_on:
            wait("Then run this command again.")
        yield
        if request is not None:
            with unit() as session:
                command_execution.finish(session, request, now())


def _looked_up(
    session: Session, kind: Kind, payload: Payload, why: str
) -> tuple[bool, UUID | None]:
    """Whether to go on, and under which request: none while the installation is set up."""
    if setting_up(session, kind.name):
        return True, None
    act = command_execution.open_same(session, kind, payload, now())
    if act is None:
        approval_requests.ask(session, kind, payload, why, None, now())
        return False, None
    return command_execution.begin(session, kind, act.id, now()), act.id


def setting_up(session: Session, name: str) -> bool:
    """Whether there were never two people who could approve, so that it is done at once; then it
    is written down that it was."""
    if not bootstrap.is_open(session, now()):
        return False
    bootstrap.record(session, name, now())
    return True


def wait(then: str) -> NoReturn:
    """Say what has to happen now, and exit."""
    click.echo(
        "This takes two members of staff (supervisors or investigators). Two of them must approve"
        f" it within seven days, at {ctx().base_url}/staff/approvals. {then}",
        err=True,
    )
    sys.exit(WAITS)


@approvals.command("list")
def list_requests() -> None:
    """Say what the command line has asked for and waits for approval."""
    with plainly(), unit() as session:
        found = approval_inbox.of_operator(session, approval_registry.kinds(ctx().policy), now())
    for each in found:
        said = f"{each.approvals} of {each.needed} approvals"
        click.echo(f"{each.act.id}  {each.act.kind:<20} {said}, until {each.act.expires_at:%F %R}")
    if not found:
        click.echo("Nothing waits.")


@approvals.command("withdraw")
@click.argument("request_id", metavar="ID", type=click.UUID)
def withdraw(request_id: UUID) -> None:
    """Take back what the command line has asked for: ID is what `flask approvals list` prints."""
    with plainly(), unit() as session:
        approval_requests.withdraw(session, request_id, None, now())
    click.echo("Withdrawn.")
