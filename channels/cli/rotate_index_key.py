"""``flask keys rotate-index``: a new key of the blind index, as all works on."""

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

from channels.app_context import ctx, now, unit
from channels.cli.approvals import approved, why_option
from procedures import approval_registry
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import index_key_rotation, keyring
from vault.keys.blind_index import ALONE, CURRENT, KNOWN
from verification import call_session

MOVERS: index_key_rotation.Movers = {"code.phone_index": call_session.reindex}
_TRIES = 5
_SAY_EVERY = 15  # seconds
_pause: Callable[[float], None] = time.sleep


@click.command("rotate-index")
@why_option
@with_appcontext
def rotate_index(why: str) -> None:
    """Make a new key for the blind index, and bring everything in the store to it.

    All works on meanwhile. Takes two minutes in which all processes get to know the key, and then
    as long as the store is large. Can be stopped and run again. Ends with 3 when two people must
    approve it first.
    """
    with approved(approval_registry.ROTATE_INDEX, {}, why):
        name = _begun()
        if _state(name) == KNOWN:
            _wait("All get to know the new key")
            _step(name, KNOWN, CURRENT)
        if _state(name) == CURRENT:
            _wait("All begin to write under it")
            moved = _move_all()
            _step(name, CURRENT, ALONE)
            click.echo(f"{moved:,} values are found by {name}.")
    click.echo(
        f"{name} is the key of the blind index. The one before finds nothing any more by itself;"
        " the store keeps it, wrapped, since the new one builds on it."
    )


def _begun() -> str:
    with unit() as session:
        key, new = index_key_rotation.begin(session, ctx().master, now())
        if new:
            audit_log.record(
                session, audit_log.OPERATOR, AuditAct.KEYS_ROTATE_INDEX, now(), detail=key.purpose
            )
        else:
            click.echo(f"The rotation to {key.purpose} goes on.", err=True)
        return key.purpose


def _state(name: str) -> str | None:
    with unit() as session:
        key = index_key_rotation.newest(session)
        keyring.hold_index(session)
        return key.state if key.purpose == name else None


def _step(name: str, before: str, after: str) -> None:
    with unit() as session:
        if index_key_rotation.advance(session, name, before, after, now()):
            audit_log.record(
                session, audit_log.OPERATOR, AuditAct.KEYS_INDEX, now(), detail=f"{name} {after}"
            )


def _wait(label: str) -> None:
    with unit(read_only=True) as session:
        since = index_key_rotation.since(session)
    seconds = (since + index_key_rotation.ALL_KNOW_AFTER - now()).total_seconds()
    whole = max(0, math.ceil(seconds))
    for left in range(whole, 0, -1):
        if left == whole or left % _SAY_EVERY == 0:
            click.echo(f"{label}: {left} seconds left.", err=True)
        _pause(1)


def _move_all() -> int:
    """Batch by batch, until nothing is left of what was written by whoever came late."""
    moved, total = 0, _left()
    with click.progressbar(length=total, file=sys.stderr, label="Indexing anew") as bar:
        while total:
            for column in index_key_rotation.columns(SQLModel.metadata):
                moved += _move(column, bar.update)
            total = _left()
    return moved


def _left() -> int:
    with unit() as session:
        keyring.hold_index(session)
        return sum(
            index_key_rotation.left(session, c)
            for c in index_key_rotation.columns(SQLModel.metadata)
        )


def _move(column: Column[bytes], tell: Callable[[int], None]) -> int:
    moved, after, going, tries = 0, None, True, 0
    while going:
        try:
            with unit() as session:
                count, last = index_key_rotation.move(session, column, after, MOVERS)
        except DBAPIError:  # somebody works on these rows, or has noted the same number anew
            tries += 1
            if tries == _TRIES:
                raise
            continue
        moved, after, going, tries = moved + count, last, last is not None, 0
        tell(count)
    return moved
