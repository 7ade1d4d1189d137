"""``flask staff`` and ``flask token``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask.cli import AppGroup
from sqlmodel import Session

from channels.app_context import current_context, current_time, unit_of_work
from channels.cli.approvals import exit_awaiting_approval, is_setup_action, reason_option
from channels.cli.error_output import readable_errors
from channels.error_codes import ChannelErrorCode
from people import credentials, phone_numbers
from people.approvals import bootstrap
from people.customers import lookup_log
from people.errors import InvalidInput, NotFound
from people.models import Role, Staff
from people.staff import api_tokens, link_creation, staff_approvals, staff_records, staff_status
from procedures import role_change
from vault.audit import audit_log

staff_group = AppGroup("staff", help="Members of staff.")
token_group = AppGroup("token", help="Tokens for the API.")
pin_option = click.option(
    "--pin",
    is_flag=True,
    help="While setting up: ask a PIN with the link, told another way. Later, always so.",
)


@staff_group.command("add")
@click.option("--email", required=True)
@click.option("--name", required=True)
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]))
@click.option("--timezone", default="", help="IANA name; the company's unless given.")
@click.option("--phone", default="", help="The phone number for bridged calls.")
@pin_option
@reason_option
def add_staff_command(
    email: str, name: str, role: str, timezone: str, phone: str, pin: bool, why: str
) -> None:
    """Add a member of staff, and print their one-time enrolment link. Exits with 3 if the link
    works only after two people have approved it."""
    link_pin = credentials.new_pin() if pin else ""
    with readable_errors(), _staff_lookup_unit("staff.add") as session:
        zone = timezone or current_context().policy.default_zone
        number = _parse_callable_number(phone) if phone else ""
        at_once = is_setup_action(session, staff_approvals.ADD.name)
        if at_once:
            member = staff_records.add_staff_member(
                session, email, name, role, current_time(), timezone=zone
            )
            if number:
                staff_records.set_staff_phone(
                    session,
                    member,
                    number,
                    current_time(),
                    countries=current_context().policy.countries,
                )
            token = link_creation.create_enrolment_link(
                session, member, current_time(), pin=link_pin
            )
        else:
            link = staff_approvals.request_new_staff_member(
                session, email, name, role, why, None, current_time(), timezone=zone, phone=number
            )
            token = link.token
    _print_enrolment_link(token, link_pin, at_once)


@staff_group.command("phone")
@click.option("--email", required=True)
@click.option("--number", required=True, help="With or without country code.")
def set_staff_phone_command(email: str, number: str) -> None:
    """Set the number at which a member of staff is called for bridged calls."""
    with readable_errors(), _staff_lookup_unit("staff.phone") as session:
        member, phone = (
            _find_active_member(session, email, "staff.phone"),
            _parse_callable_number(number),
        )
        staff_records.set_staff_phone(
            session, member, phone, current_time(), countries=current_context().policy.countries
        )
    click.echo("Kept. Their next call rings this number.")


def _parse_callable_number(text: str) -> str:
    policy = current_context().policy
    phone = phone_numbers.parse_phone(text, policy.default_region)
    phone_numbers.require_callable(phone, policy.countries)
    return phone


@staff_group.command("invite")
@click.option("--email", required=True)
@pin_option
@reason_option
def invite_staff_command(email: str, pin: bool, why: str) -> None:
    """Print a new enrolment link, for a lost phone or password. Older links stop working when it
    becomes valid. Exits with 3 if two people must approve it first."""
    link_pin = credentials.new_pin() if pin else ""
    with readable_errors(), _staff_lookup_unit("staff.invite") as session:
        member = _find_active_member(session, email, "staff.invite")
        at_once = is_setup_action(session, staff_approvals.INVITE.name)
        if at_once:
            token = link_creation.create_enrolment_link(
                session, member, current_time(), pin=link_pin
            )
        else:
            token = staff_approvals.request_enrolment_link(
                session, member, why, current_time()
            ).token
    _print_enrolment_link(token, link_pin, at_once)


@staff_group.command("role")
@click.option("--email", required=True)
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]))
@reason_option
def change_role_command(email: str, role: str, why: str) -> None:
    """Change the role of a member of staff, and end their sessions and tokens. Exits with 3 if two
    people must approve it first."""
    with readable_errors(), _staff_lookup_unit("staff.role") as session:
        member = _find_active_member(session, email, "staff.role")
        at_once = is_setup_action(session, role_change.CHANGE_ROLE.name)
        if at_once:
            role_change.change_role_immediately(
                session, member, role, audit_log.OPERATOR, current_time()
            )
        else:
            role_change.request_role_change(session, member, role, why, None, current_time())
    if not at_once:
        exit_awaiting_approval(
            "There is nothing more to run. One that approves they take up on their account page,"
            " with the PINs that the two who approve hand over in person; any other is theirs then."
        )
    click.echo("Changed. Sessions and tokens have ended.")


@staff_group.command("off")
@click.option("--email", required=True)
def switch_off_command(email: str) -> None:
    """Deactivate a member of staff. Their sessions and tokens end at once."""
    with readable_errors(), _staff_lookup_unit("staff.off") as session:
        member = _find_active_member(session, email, "staff.off")
        bootstrap.require_other_in_role(session, member)
        staff_status.deactivate_staff_member(session, member, current_time())
    click.echo("Switched off. Sessions and tokens have ended.")


@token_group.command("add")
@click.option("--staff", "email", required=True, help="The e-mail address of its owner.")
@click.option("--name", "label", default="", help="What the token is for.")
def add_token_command(email: str, label: str) -> None:
    """Create an API token with its owner's role. It is printed once, alone on the last line."""
    with readable_errors(), _staff_lookup_unit("token.add") as session:
        token = api_tokens.create_api_token(
            session, _find_active_member(session, email, "token.add"), label, current_time()
        )
    click.echo("Keep this token secret; it is not shown again:")
    click.echo(token)


@contextmanager
def _staff_lookup_unit(purpose: str) -> Iterator[Session]:
    """Open a unit of work that looks a member of staff up by e-mail address.

    A refused look-up (no such address, or one that may not be used) is audited in a second unit of
    work, because the first is rolled back.
    """
    try:
        with unit_of_work() as session:
            yield session
    except (NotFound, InvalidInput) as error:
        if isinstance(error, NotFound) or error.field == "email":
            with unit_of_work() as session:
                _record_staff_lookup(session, purpose, found=not isinstance(error, NotFound))
        raise


def _record_staff_lookup(session: Session, purpose: str, *, found: bool) -> None:
    lookup_log.log_staff_lookup(
        session, audit_log.OPERATOR, found=found, asked="", purpose=purpose, now=current_time()
    )


def _find_active_member(session: Session, email: str, purpose: str) -> Staff:
    member = staff_records.find_staff_by_email(session, email)
    if member is None or not member.active:
        raise NotFound(ChannelErrorCode.STAFF_ADDRESS_UNKNOWN)
    _record_staff_lookup(session, purpose, found=True)
    return member


def _print_enrolment_link(token: str, pin: str, works: bool) -> None:
    if not works:
        click.echo(
            "Each of the two who approve hands them a PIN in person; the link asks for both."
        )
    elif pin:
        click.echo(f"Tell them this PIN in person or by phone, never beside the link: {pin}")
    click.echo("Hand this link to them yourself; it works once, for three days:")
    click.echo(f"{current_context().base_url}/staff/enrol/{token}")
    if not works:
        exit_awaiting_approval(
            "Only then does the link begin to work; there is nothing more to run."
        )
