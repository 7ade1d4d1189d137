"""``flask keys rotate-index``: rotates the key of the blind index while the service runs."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable

import click
from flask.cli import with_appcontext
from sqlalchemy import Column
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

from channels.app_context import current_context, current_time, unit_of_work
from channels.cli.approvals import reason_option, require_command_approval
from procedures import approval_registry
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import index_key_rotation, keyring
from vault.keys.blind_index import CURRENT, KNOWN, ONLY
from verification import open_codes

INDEX_MOVERS: index_key_rotation.RowMovers = {"code.phone_index": open_codes.reindex_code}
_MAX_TRIES = 5
_REPORT_INTERVAL = 15  # seconds
_pause: Callable[[float], None] = time.sleep


@click.command("rotate-index")
@reason_option
@with_appcontext
def rotate_index_command(why: str) -> None:
    """Create a new key for the blind index, and reindex everything in the database.

    The service keeps running. Waits two minutes for all processes to load the key, and then takes
    time in proportion to the database. It can be stopped and run again. Exits with 3 if two people
    must approve it first.
    """
    with require_command_approval(approval_registry.ROTATE_INDEX_KEY, {}, why):
        name = _begin_index_rotation()
        if _index_key_state(name) == KNOWN:
            _wait_for_all_processes("All get to know the new key")
            _advance_index_key(name, KNOWN, CURRENT)
        if _index_key_state(name) == CURRENT:
            _wait_for_all_processes("All begin to write under it")
            moved = _reindex_all_columns()
            _advance_index_key(name, CURRENT, ONLY)
            click.echo(f"{moved:,} values are found by {name}.")
    click.echo(
        f"{name} is the key of the blind index. The one before finds nothing any more by itself;"
        " the store keeps it, wrapped, since the new one builds on it."
    )


def _begin_index_rotation() -> str:
    with unit_of_work() as session:
        key, new = index_key_rotation.begin_index_rotation(
            session, current_context().master, current_time()
        )
        if new:
            audit_log.record_act(
                session,
                audit_log.OPERATOR,
                AuditAct.KEYS_ROTATE_INDEX,
                current_time(),
                detail=key.purpose,
            )
        else:
            click.echo(f"The rotation to {key.purpose} continues.", err=True)
        return key.purpose


def _index_key_state(name: str) -> str | None:
    with unit_of_work() as session:
        key = index_key_rotation.lock_newest_index_key(session)
        keyring.lock_index_keys(session)
        return key.state if key.purpose == name else None


def _advance_index_key(name: str, before: str, after: str) -> None:
    with unit_of_work() as session:
        if index_key_rotation.advance_index_rotation(session, name, before, after, current_time()):
            audit_log.record_act(
                session,
                audit_log.OPERATOR,
                AuditAct.KEYS_INDEX,
                current_time(),
                detail=f"{name} {after}",
            )


def _wait_for_all_processes(label: str) -> None:
    with unit_of_work(read_only=True) as session:
        since = index_key_rotation.find_rotation_state_time(session)
    seconds = (since + index_key_rotation.PROPAGATION_DELAY - current_time()).total_seconds()
    whole = max(0, math.ceil(seconds))
    for left in range(whole, 0, -1):
        if left == whole or left % _REPORT_INTERVAL == 0:
            click.echo(f"{label}: {left} seconds left.", err=True)
        _pause(1)


def _reindex_all_columns() -> int:
    """Reindex batch by batch, until no value written late under the old key is left."""
    moved, total = 0, _count_values_left()
    with click.progressbar(length=total, file=sys.stderr, label="Re-indexing") as bar:
        while total:
            for column in index_key_rotation.list_index_columns(SQLModel.metadata):
                moved += _reindex_column(column, bar.update)
            total = _count_values_left()
    return moved


def _count_values_left() -> int:
    with unit_of_work() as session:
        keyring.lock_index_keys(session)
        return sum(
            index_key_rotation.count_rows_left(session, c)
            for c in index_key_rotation.list_index_columns(SQLModel.metadata)
        )


def _reindex_column(column: Column[bytes], tell: Callable[[int], None]) -> int:
    moved, after, going, tries = 0, None, True, 0
    while going:
        try:
            with unit_of_work() as session:
                count, last = index_key_rotation.move_next_rows(
                    session, column, after, INDEX_MOVERS
                )
        except DBAPIError:  # these rows are locked, or the same number was stored again
            tries += 1
            if tries == _MAX_TRIES:
                raise
            continue
        moved, after, going, tries = moved + count, last, last is not None, 0
        tell(count)
    return moved
