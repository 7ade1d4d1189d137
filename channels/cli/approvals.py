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

from channels.app_context import current_context, current_time, unit_of_work
from channels.cli.error_output import readable_errors
from people.approvals import approval_inbox, approval_requests, bootstrap, command_execution
from people.approvals.request_types import Payload, RequestType
from procedures import approval_registry

#: How a command ends that waits for approval.
EXIT_AWAITING_APPROVAL = 3
NO_REASON_GIVEN = "No reason was given on the command line."
reason_option = click.option(
    "--why",
    default=NO_REASON_GIVEN,
    help="The reason, read by the two who approve where that is needed.",
)
approvals_group = AppGroup("approvals", help="What the command line has asked for.")


def find_request_type(name: str) -> RequestType:
    """A row of the table."""
    return approval_registry.collect_request_types(current_context().policy)[name]


@contextmanager
def require_command_approval(name: str, payload: Payload, why: str) -> Iterator[None]:
    """Do something long once two members of staff have approved exactly this; until then file the
    request, say who must approve it where, and exit. Killed in the middle, the next run goes on
    under the same approval."""
    with readable_errors():
        with unit_of_work() as session:
            may_go_on, request = _find_or_file_request(
                session, find_request_type(name), payload, why
            )
        if not may_go_on:
            exit_awaiting_approval("Then run this command again.")
        yield
        if request is not None:
            with unit_of_work() as session:
                command_execution.finish_approved_command(session, request, current_time())


def _find_or_file_request(
    session: Session, kind: RequestType, payload: Payload, why: str
) -> tuple[bool, UUID | None]:
    """Whether to go on, and under which request: none while the installation is set up."""
    if is_setup_action(session, kind.name):
        return True, None
    act = command_execution.find_open_request(session, kind, payload, current_time())
    if act is None:
        approval_requests.submit_for_approval(session, kind, payload, why, None, current_time())
        return False, None
    return command_execution.begin_approved_command(session, kind, act.id, current_time()), act.id


def is_setup_action(session: Session, name: str) -> bool:
    """Whether there were never two people who could approve, so that it is done at once; then it
    is written down that it was."""
    if not bootstrap.is_bootstrap_open(session, current_time()):
        return False
    bootstrap.record_unapproved_act(session, name, current_time())
    return True


def exit_awaiting_approval(then: str) -> NoReturn:
    """Say what has to happen now, and exit."""
    click.echo(
        "This takes two members of staff (supervisors or investigators). Two of them must approve"
        f" it within seven days, at {current_context().base_url}/staff/approvals. {then}",
        err=True,
    )
    sys.exit(EXIT_AWAITING_APPROVAL)


@approvals_group.command("list")
def list_requests_command() -> None:
    """Say what the command line has asked for and waits for approval."""
    with readable_errors(), unit_of_work() as session:
        found = approval_inbox.list_operator_requests(
            session,
            approval_registry.collect_request_types(current_context().policy),
            current_time(),
        )
    for item in found:
        said = f"{item.approvals} of {item.needed} approvals"
        click.echo(f"{item.act.id}  {item.act.kind:<20} {said}, until {item.act.expires_at:%F %R}")
    if not found:
        click.echo("Nothing waits.")


@approvals_group.command("withdraw")
@click.argument("request_id", metavar="ID", type=click.UUID)
def withdraw_request_command(request_id: UUID) -> None:
    """Take back what the command line has asked for: ID is what `flask approvals list` prints."""
    with readable_errors(), unit_of_work() as session:
        approval_requests.withdraw_approval_request(session, request_id, None, current_time())
    click.echo("Withdrawn.")
