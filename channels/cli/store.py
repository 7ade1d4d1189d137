"""``flask db`` and ``flask demo``."""

from __future__ import annotations

import click
from flask.cli import AppGroup, with_appcontext

from channels.cli.common import plainly
from channels.context import ctx, now, unit
from channels.demo import people
from people import binding
from storage import migrate
from vault import keyring

#: Since when rows are bound by a key, and since when all their columns are.
_BOUND, _MARKED = "0024", "0030"
db = AppGroup("db", help="The store's tables.")


@db.command()
def upgrade() -> None:
    """Bring the store's tables up to date, and make its keys if it has none."""
    with plainly():
        bring_up_to_date()
    click.echo("The store is up to date.")


@db.command()
@click.argument("revision")
@click.confirmation_option(prompt="This can destroy data. Go on?")
def downgrade(revision: str) -> None:
    """Undo migrations down to REVISION ('base' for all)."""
    with plainly():
        migrate.downgrade(ctx().engine, revision)
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
    """Migrate and make missing keys; safe when several processes do so at once."""
    here = ctx()
    before = _revision()
    migrate.upgrade(here.engine)
    at_first = {keyring.SIGN_IN: binding.bind_earlier}
    keyring.make_purpose_keys(here.engine, here.master, now(), at_first=at_first)
    if before is not None and _BOUND <= before < _MARKED:
        with unit() as session:
            binding.seal_earlier(session)


def _revision() -> str | None:
    with ctx().engine.connect() as connection:
        return migrate.current(connection)


def add_demo() -> bool:
    """Add demo people to an empty store; whether it was empty."""
    with unit() as session:
        if not people.is_empty(session):
            return False
        people.add(session, ctx().policy, now())
    return True


def sign_ins() -> str:
    """The demo sign-ins, for the terminal."""
    rows = [f"  {each.role:<13} {each.email}" for each in people.STAFF]
    return "\n".join(
        [
            "Demo sign-ins (the sign-in page shows each one's second-factor code):",
            *rows,
            f"  password      {people.DEMO_PASSWORD}",
        ]
    )
