"""``flask approvals``, and the approval of commands by two members of staff.

The command line has no identity of its own, so sensitive commands need two approvers.
"""

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

#: Exit code of a command that waits for approval.
EXIT_AWAITING_APPROVAL = 3
NO_REASON_GIVEN = "No reason was given on the command line."
reason_option = click.option(
    "--why",
    default=NO_REASON_GIVEN,
    help="The reason, read by the two who approve where that is needed.",
)
approvals_group = AppGroup("approvals", help="What the command line has asked for.")


def find_request_type(name: str) -> RequestType:
    """Return a request type by name."""
    return approval_registry.collect_request_types(current_context().policy)[name]


@contextmanager
def require_command_approval(name: str, payload: Payload, why: str) -> Iterator[None]:
    """Run the body once two members of staff have approved exactly this request.

    Until then, file the request, print who must approve it and where, and exit. If the body is
    interrupted, the next run continues under the same approval.
    """
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
    """Return whether to continue, and the request's id; None while the installation is set up."""
    if is_setup_action(session, kind.name):
        return True, None
    act = command_execution.find_open_request(session, kind, payload, current_time())
    if act is None:
        approval_requests.submit_for_approval(session, kind, payload, why, None, current_time())
        return False, None
    return command_execution.begin_approved_command(session, kind, act.id, current_time()), act.id


def is_setup_action(session: Session, name: str) -> bool:
    """Return whether to act without approval, because there have never been two approvers. If so,
    audit the unapproved act."""
    if not bootstrap.is_bootstrap_open(session, current_time()):
        return False
    bootstrap.record_unapproved_act(session, name, current_time())
    return True


def exit_awaiting_approval(then: str) -> NoReturn:
    """Print what has to happen next, and exit."""
    click.echo(
        "This takes two members of staff (supervisors or investigators). Two of them must approve"
        f" it within seven days, at {current_context().base_url}/staff/approvals. {then}",
        err=True,
    )
    sys.exit(EXIT_AWAITING_APPROVAL)


@approvals_group.command("list")
def list_requests_command() -> None:
    """List the requests of the command line that wait for approval."""
    with readable_errors(), unit_of_work() as session:
        requests = approval_inbox.list_operator_requests(
            session,
            approval_registry.collect_request_types(current_context().policy),
            current_time(),
        )
    for entry in requests:
        progress = f"{entry.approvals} of {entry.needed} approvals"
        click.echo(
            f"{entry.act.id}  {entry.act.kind:<20} {progress}, until {entry.act.expires_at:%F %R}"
        )
    if not requests:
        click.echo("Nothing waits.")


@approvals_group.command("withdraw")
@click.argument("request_id", metavar="ID", type=click.UUID)
def withdraw_request_command(request_id: UUID) -> None:
    """Withdraw a request of the command line. ID is printed by `flask approvals list`."""
    with readable_errors(), unit_of_work() as session:
        approval_requests.withdraw_approval_request(session, request_id, None, current_time())
    click.echo("Withdrawn.")
