"""``flask staff`` and ``flask token``."""

from __future__ import annotations

import click
from flask.cli import AppGroup
from sqlmodel import Session

from channels.cli.common import plainly
from channels.context import ctx, now, unit
from people import links, phones, staff, tokens
from people.errors import NotFound
from people.models import Role, Staff

staff_group = AppGroup("staff", help="Members of staff.")
token_group = AppGroup("token", help="Tokens for the API.")
with_pin = click.option("--pin", is_flag=True, help="Ask a PIN with the link, told another way.")


@staff_group.command("add")
@click.option("--email", required=True)
@click.option("--name", required=True)
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]))
@click.option("--timezone", default="", help="IANA name; the company's unless given.")
@click.option("--phone", default="", help="The number they are rung at for bridged calls.")
@with_pin
def add(email: str, name: str, role: str, timezone: str, phone: str, pin: bool) -> None:
    """Add a member of staff, and print their one-time enrolment link."""
    with plainly(), unit() as session:
        zone = timezone or ctx().policy.default_zone
        member = staff.add(session, email, name, role, now(), timezone=zone)
        if phone:
            _keep_phone(session, member, phone)
        said = links.new_pin() if pin else ""
        token = staff.invite(session, member, now(), pin=said)
    _print_link(token, said)


@staff_group.command("phone")
@click.option("--email", required=True)
@click.option("--number", required=True, help="With or without country code.")
def set_phone(email: str, number: str) -> None:
    """Set the number that a member of staff is rung at for bridged calls."""
    with plainly(), unit() as session:
        _keep_phone(session, _member(session, email), number)
    click.echo("Kept. Their next call rings this number.")


def _keep_phone(session: Session, member: Staff, number: str) -> None:
    policy = ctx().policy
    phone = phones.parse(number, policy.default_region)
    staff.set_phone(session, member, phone, now(), countries=policy.countries)


@staff_group.command("invite")
@click.option("--email", required=True)
@with_pin
def invite(email: str, pin: bool) -> None:
    """Print a new enrolment link: for a lost phone or password. Older links stop working."""
    with plainly(), unit() as session:
        said = links.new_pin() if pin else ""
        token = staff.invite(session, _member(session, email), now(), pin=said)
    _print_link(token, said)


@staff_group.command("off")
@click.option("--email", required=True)
def switch_off(email: str) -> None:
    """Switch a member of staff off: sessions and tokens end at once."""
    with plainly(), unit() as session:
        staff.switch_off(session, _member(session, email), now())
    click.echo("Switched off. Sessions and tokens have ended.")


@token_group.command("add")
@click.option("--staff", "email", required=True, help="The e-mail address of its owner.")
@click.option("--name", "label", default="", help="What the token is for.")
def add_token(email: str, label: str) -> None:
    """Make a token with its owner's role. It is shown this once, alone on the last line."""
    with plainly(), unit() as session:
        token = tokens.add(session, _member(session, email), label, now())
    click.echo("Keep this token secret; it is not shown again:")
    click.echo(token)


def _member(session: Session, email: str) -> Staff:
    found = staff.find(session, email)
    if found is None or not found.active:
        raise NotFound("There is no active member of staff with this address.")
    return found


def _print_link(token: str, pin: str) -> None:
    if pin:
        click.echo(f"Tell them this PIN in person or by phone, never beside the link: {pin}")
    click.echo("Hand this link to them yourself; it works once, for three days:")
    click.echo(f"{ctx().base_url}/staff/enrol/{token}")
