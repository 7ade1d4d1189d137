"""``flask db`` and ``flask demo``."""

from __future__ import annotations

import click
from flask.cli import AppGroup, with_appcontext

from channels import database_upgrade
from channels.app_context import ctx, now, unit
from channels.cli.error_output import plainly
from channels.simulator import seed_data

db = AppGroup("db", help="The store's tables.")


@db.command()
def upgrade() -> None:
    """Bring the store's tables up to date, and make the keys that are new with it."""
    with plainly():
        bring_up_to_date()
    click.echo("The store is up to date.")


@db.command()
@click.argument("revision")
@click.confirmation_option(prompt="This can destroy data. Go on?")
def downgrade(revision: str) -> None:
    """Undo migrations down to REVISION ('base' for all)."""
    with plainly():
        here = ctx()
        database_upgrade.downgrade(here.engine, here.master, revision, here.key_register_pin)
    click.echo(f"The store is at {revision}.")


@click.command("demo")
@with_appcontext
def demo() -> None:
    """Add demo people and callbacks, if the store is empty."""
    if not ctx().demo:
        raise click.ClickException("Demo people have no place in production.")
    with plainly():
        bring_up_to_date()
        added = add_demo()
    click.echo("Demo people are in." if added else "The store has people already: left as it is.")
    click.echo(sign_ins())


def bring_up_to_date() -> None:
    """Migrate and make the keys that are new; safe when several processes do so at once."""
    here = ctx()
    database_upgrade.upgrade(here.engine, here.master, now(), here.key_register_pin)


def add_demo() -> bool:
    """Add demo people to an empty store; whether it was empty."""
    with unit() as session:
        if not seed_data.is_empty(session):
            return False
        seed_data.add(session, ctx().policy, now())
    return True


def sign_ins() -> str:
    """The demo sign-ins, for the terminal."""
    rows = [f"  {each.role:<13} {each.email}" for each in seed_data.STAFF]
    return "\n".join(
        [
            "Demo sign-ins (the sign-in page shows each one's second-factor code):",
            *rows,
            f"  password      {seed_data.DEMO_PASSWORD}",
        ]
    )
