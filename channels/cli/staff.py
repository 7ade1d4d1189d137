"""``flask staff`` and ``flask token``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask.cli import AppGroup
from sqlmodel import Session

from channels.app_context import ctx, now, unit
from channels.cli.approvals import setting_up, wait, why_option
from channels.cli.error_output import plainly
from people import credentials, phone_numbers
from people.approvals import bootstrap
from people.customers import lookup_log
from people.errors import InvalidInput, NotFound
from people.models import Role, Staff
from people.staff import api_tokens, staff_approvals, staff_records
from procedures import role_change
from vault.audit import audit_log

staff_group = AppGroup("staff", help="Members of staff.")
token_group = AppGroup("token", help="Tokens for the API.")
with_pin = click.option(
    "--pin",
    is_flag=True,
    help="While setting up: ask a PIN with the link, told another way. Later, always so.",
)


@staff_group.command("add")
@click.option("--email", required=True)
@click.option("--name", required=True)
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]))
@click.option("--timezone", default="", help="IANA name; the company's unless given.")
@click.option("--phone", default="", help="The number they are rung at for bridged calls.")
@with_pin
@why_option
def add(email: str, name: str, role: str, timezone: str, phone: str, pin: bool, why: str) -> None:
    """Add a member of staff, and print their one-time enrolment link. Ends with 3 when it works
    only once two people have approved it."""
    said = credentials.new_pin() if pin else ""
    with plainly(), _looking_up("staff.add") as session:
        zone = timezone or ctx().policy.default_zone
        number = _number(phone) if phone else ""
        at_once = setting_up(session, staff_approvals.ADD.name)
        if at_once:
            member = staff_records.add(session, email, name, role, now(), timezone=zone)
            if number:
                staff_records.set_phone(
                    session, member, number, now(), countries=ctx().policy.countries
                )
            token = staff_records.invite(session, member, now(), pin=said)
        else:
            link = staff_approvals.ask_to_add(
                session, email, name, role, why, None, now(), timezone=zone, phone=number
            )
            token = link.token
    _print_link(token, said, at_once)


@staff_group.command("phone")
@click.option("--email", required=True)
@click.option("--number", required=True, help="With or without country code.")
def set_phone(email: str, number: str) -> None:
    """Set the number that a member of staff is rung at for bridged calls."""
    with plainly(), _looking_up("staff.phone") as session:
        member, phone = _member(session, email, "staff.phone"), _number(number)
        staff_records.set_phone(session, member, phone, now(), countries=ctx().policy.countries)
    click.echo("Kept. Their next call rings this number.")


def _number(text: str) -> str:
    policy = ctx().policy
    phone = phone_numbers.parse(text, policy.default_region)
    phone_numbers.require_callable(phone, policy.countries)
    return phone


@staff_group.command("invite")
@click.option("--email", required=True)
@with_pin
@why_option
def invite(email: str, pin: bool, why: str) -> None:
    """Print a new enrolment link: for a lost phone or password. Older links stop working once it
    works. Ends with 3 when that is only once two people have approved it."""
    said = credentials.new_pin() if pin else ""
    with plainly(), _looking_up("staff.invite") as session:
        member = _member(session, email, "staff.invite")
        at_once = setting_up(session, staff_approvals.INVITE.name)
        if at_once:
            token = staff_records.invite(session, member, now(), pin=said)
        else:
            token = staff_approvals.ask_to_invite(session, member, why, now()).token
    _print_link(token, said, at_once)


@staff_group.command("role")
@click.option("--email", required=True)
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]))
@why_option
def change_role(email: str, role: str, why: str) -> None:
    """Give a member of staff another role: their sessions and tokens end. Ends with 3 when two
    people must approve it first."""
    with plainly(), _looking_up("staff.role") as session:
        member = _member(session, email, "staff.role")
        at_once = setting_up(session, role_change.ROLE.name)
        if at_once:
            role_change.at_once(session, member, role, audit_log.OPERATOR, now())
        else:
            role_change.ask(session, member, role, why, None, now())
    if not at_once:
        wait(
            "There is nothing more to run. One that approves they take up on their account page,"
            " with the PINs that the two who approve hand over in person; any other is theirs then."
        )
    click.echo("Changed. Sessions and tokens have ended.")


@staff_group.command("off")
@click.option("--email", required=True)
def switch_off(email: str) -> None:
    """Switch a member of staff off: sessions and tokens end at once."""
    with plainly(), _looking_up("staff.off") as session:
        member = _member(session, email, "staff.off")
        bootstrap.require_another(session, member)
        staff_records.switch_off(session, member, now())
    click.echo("Switched off. Sessions and tokens have ended.")


@token_group.command("add")
@click.option("--staff", "email", required=True, help="The e-mail address of its owner.")
@click.option("--name", "label", default="", help="What the token is for.")
def add_token(email: str, label: str) -> None:
    """Make a token with its owner's role. It is shown this once, alone on the last line."""
    with plainly(), _looking_up("token.add") as session:
        token = api_tokens.add(session, _member(session, email, "token.add"), label, now())
    click.echo("Keep this token secret; it is not shown again:")
    click.echo(token)


@contextmanager
def _looking_up(purpose: str) -> Iterator[Session]:
    """A unit of work that looks somebody up by their address; what it was refused for is written
    down in one of its own: nobody has the address, or somebody who must not."""
    try:
        with unit() as session:
            yield session
    except (NotFound, InvalidInput) as error:
        if isinstance(error, NotFound) or error.field == "email":
            with unit() as session:
                _note(session, purpose, found=not isinstance(error, NotFound))
        raise


def _note(session: Session, purpose: str, *, found: bool) -> None:
    lookup_log.note_staff(
        session, audit_log.OPERATOR, found=found, asked="", purpose=purpose, now=now()
    )


def _member(session: Session, email: str, purpose: str) -> Staff:
    found = staff_records.find(session, email)
    if found is None or not found.active:
        raise NotFound("There is no active member of staff with this address.")
    _note(session, purpose, found=True)
    return found


def _print_link(token: str, pin: str, works: bool) -> None:
    if not works:
        click.echo(
            "Each of the two who approve hands them a PIN in person; the link asks for both."
        )
    elif pin:
        click.echo(f"Tell them this PIN in person or by phone, never beside the link: {pin}")
    click.echo("Hand this link to them yourself; it works once, for three days:")
    click.echo(f"{ctx().base_url}/staff/enrol/{token}")
    if not works:
        wait("Only then does the link begin to work; there is nothing more to run.")
