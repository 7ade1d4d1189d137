"""``flask outbox``: the state of the outbox, and retries of stuck texts."""

from __future__ import annotations

from uuid import UUID

import click
from flask.cli import with_appcontext

from channels.app_context import current_time, unit_of_work
from channels.cli.error_output import readable_errors
from messaging import outbox_stats


@click.command("outbox")
@click.option("--retry", "which", type=click.UUID, multiple=True, help="Try this text again.")
@click.option("--retry-all", is_flag=True, help="Try all that are stuck again.")
@with_appcontext
def outbox_command(which: tuple[UUID, ...], retry_all: bool) -> None:
    """Print the state of the outbox and its stuck texts, without personal data.

    Before a retry, a text whose outcome is unknown is looked up at the provider.
    """
    with readable_errors():
        if which or retry_all:
            _retry_stuck_messages(which, retry_all)
        else:
            _print_outbox_stats()


def _print_outbox_stats() -> None:
    moment = current_time()
    with unit_of_work(read_only=True) as session:
        standing = outbox_stats.measure_outbox(session, moment)
        stuck = outbox_stats.list_stuck_messages(session, moment)
    click.echo(
        f"waiting {standing.waiting}, due {standing.due},"
        f" oldest due {_oldest_due_seconds(standing)} s"
    )
    click.echo(f"last hour: sent {standing.sent}, within 10 s {standing.sent_soon}")
    for reason, count in sorted(standing.failures.items()):
        click.echo(f"last hour: failed {count}, {reason}")
    if not stuck:
        click.echo("Nothing is stuck.")
    for row in stuck:
        late = int((moment - row.wanted_at).total_seconds())
        why = row.error or "not tried yet"
        click.echo(f"{row.id}  {row.kind:<10} {row.state:<8} {why:<20} {late} s late")


def _oldest_due_seconds(standing: outbox_stats.OutboxStats) -> int:
    return int(standing.oldest_seconds)


def _retry_stuck_messages(which: tuple[UUID, ...], everything: bool) -> None:
    with unit_of_work() as session:
        stuck = [
            row.id
            for row in outbox_stats.list_stuck_messages(session, current_time(), limit=10_000)
        ]
        chosen = stuck if everything else list(which)
        done = [
            message_id
            for message_id in chosen
            if outbox_stats.retry_message(session, message_id, current_time())
        ]
    click.echo(f"{len(done)} of {len(chosen)} texts are tried again at once.")
    if not everything and len(done) < len(chosen):
        raise click.ClickException(
            "The others were sent already, are just being sent, are too old to help, or do not "
            "exist: see 'flask --app app outbox'."
        )
