"""``flask db`` and ``flask demo``."""

from __future__ import annotations

import click
from flask.cli import AppGroup, with_appcontext

from channels.app_context import current_context, current_time, unit_of_work
from channels.cli.error_output import readable_errors
from channels.simulator import seed_data
from channels.startup import database_upgrade

db_group = AppGroup("db", help="The store's tables.")


@db_group.command()
def upgrade() -> None:
    """Migrate the database to the current revision, and create new keys."""
    with readable_errors():
        migrate_and_make_keys()
    click.echo("The store is up to date.")


@db_group.command()
@click.argument("revision")
@click.confirmation_option(prompt="This can destroy data. Continue?")
def downgrade(revision: str) -> None:
    """Undo migrations down to REVISION ('base' for all)."""
    with readable_errors():
        here = current_context()
        database_upgrade.downgrade_with_keys(
            here.engine, here.master, revision, here.key_register_pin
        )
    click.echo(f"The store is at {revision}.")


@click.command("demo")
@with_appcontext
def demo_command() -> None:
    """Add demo people and callbacks, if the database is empty."""
    if not current_context().demo:
        raise click.ClickException("Demo people have no place in production.")
    with readable_errors():
        migrate_and_make_keys()
        added = add_demo_if_empty()
    click.echo("Demo people are in." if added else "The store has people already: left as it is.")
    click.echo(format_demo_sign_ins())


def migrate_and_make_keys() -> None:
    """Migrate the database and create new keys. Safe when several processes do so at once."""
    here = current_context()
    database_upgrade.upgrade_with_keys(
        here.engine, here.master, current_time(), here.key_register_pin
    )


def add_demo_if_empty() -> bool:
    """Add demo people to an empty database. Return whether it was empty."""
    with unit_of_work() as session:
        if not seed_data.is_database_empty(session):
            return False
        seed_data.add_seed_data(session, current_context().policy, current_time())
    return True


def format_demo_sign_ins() -> str:
    """Return the demo sign-ins as text for the terminal."""
    rows = [f"  {member.role:<13} {member.email}" for member in seed_data.DEMO_STAFF_MEMBERS]
    return "\n".join(
        [
            "Demo sign-ins (the sign-in page shows each one's second-factor code):",
            *rows,
            f"  password      {seed_data.DEMO_PASSWORD}",
        ]
    )
