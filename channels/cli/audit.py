"""``flask audit``: the log's checkpoints, its verification, and proofs of single entries."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup
from sqlmodel import Session

from channels.app_context import ctx, now, unit
from channels.cli.error_output import plainly
from vault.audit import checkpoints, log_verification, proofs, sequencer
from vault.audit.checkpoint_job import AuditLog
from vault.audit.signed_notes import Checkpoint, NotValid, Verifier, opened, verifier

audit = AppGroup("audit", help="The audit log.")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_KEY = click.option("--key", "key_text", help="The log's public key, from a safe place.")


@audit.command("checkpoint")
def checkpoint() -> None:
    """Take all new entries in, sign a checkpoint, write it to all places, and print it."""
    here = ctx()
    with plainly():
        while _take_in():
            pass
        with unit() as session:
            note = checkpoints.make(session, here.audit_origin, now()).note
        work = AuditLog(here.audit_origin, here.places, here.engine, here.info, here.clock)
        work.publish()
    click.echo(note, nl=False)


def _take_in() -> int:
    with unit() as session:
        return sequencer.take_in(session, now())


@audit.command("key")
def key() -> None:
    """Print the log's public key. Keep it where nobody of us can change it."""
    with plainly(), unit(read_only=True) as session:
        click.echo(str(_own_key(session)))


def _own_key(session: Session) -> Verifier:
    return checkpoints.signer(session, ctx().audit_origin).verifier


@audit.command("verify")
@click.option("--checkpoint", "files", type=_FILE, multiple=True, help="A file of checkpoints.")
@_KEY
def verify(files: tuple[Path, ...], key_text: str | None) -> None:
    """Hold the whole log against earlier checkpoints, and name the first bad entry.

    Also entries that are in no checkpoint yet: none is missing, and each is as it was written. Ends
    with 1 when something is bad, and with 3 when a process ended without its last word of which no
    entry of the log tells.

    Bring the checkpoints, and the key, from where they were kept out of our reach. Without any, the
    store's own are taken: that finds mistakes, not a clever liar.
    """
    with plainly(), unit(read_only=True) as session:
        known = _read(session, files, key_text)
        size = sequencer.size(session)
        with click.progressbar(length=size, file=sys.stderr, label="Verifying") as bar:
            found = log_verification.verify(session, known, bar.update, now())
    if found.bad:
        click.echo(f"BAD: {found.bad}")
        sys.exit(1)
    click.echo(
        f"Good: {found.size:,} entries, {found.covered:,} of them vouched for by"
        f" {len(known):,} checkpoint{'' if len(known) == 1 else 's'}."
    )
    for each in found.ends:
        click.echo(f"NOT EXPLAINED: {each.sentence}")
    if not all(each.told for each in found.ends):
        sys.exit(3)


def _read(session: Session, files: tuple[Path, ...], key_text: str | None) -> list[Checkpoint]:
    try:
        key = verifier(key_text) if key_text else _own_key(session)
        if not files:
            click.echo("No --checkpoint given: using the store's own.", err=True)
            newest = checkpoints.latest(session)
            return [opened(newest.note, key)] if newest else []
        return [opened(note, key) for file in files for note in _notes(file.read_text())]
    except NotValid as error:
        raise click.ClickException(str(error)) from None
    except UnicodeDecodeError:
        raise click.ClickException("This file holds no checkpoints.") from None


def _notes(text: str) -> Iterator[str]:
    """The notes of a file: a text, an empty line, signatures, and an empty line between them."""
    blocks = text.strip("\n").split("\n\n")
    if len(blocks) % 2:
        raise NotValid("This file holds no checkpoints, or was cut.")
    for body, signatures in zip(blocks[::2], blocks[1::2], strict=True):
        yield f"{body}\n\n{signatures}\n"


@audit.command("prove")
@click.argument("entry", type=int)
def prove(entry: int) -> None:
    """Print a proof, as JSON, that entry ENTRY is in the log: for `flask audit check-proof`."""
    with plainly(), unit(read_only=True) as session:
        found = proofs.of_entry(session, entry)
    if found is None:
        raise click.ClickException("This entry is in no checkpoint yet, or there is none such.")
    click.echo(json.dumps(found, indent=1))


@audit.command("prove-growth")
@click.argument("old", type=click.IntRange(1))
def prove_growth(old: int) -> None:
    """Print a proof, as JSON, that the log of the newest checkpoint begins with the OLD entries
    of an earlier one."""
    with plainly(), unit(read_only=True) as session:
        found = proofs.of_growth(session, old)
    if found is None:
        raise click.ClickException("No checkpoint is that large yet.")
    click.echo(json.dumps(found, indent=1))


@audit.command("check-proof")
@click.argument("file", type=click.File())
@click.option("--key", "key_text", required=True, help="The log's public key.")
@click.option("--checkpoint", "old", type=_FILE, help="The earlier checkpoint, for growth.")
def check_proof(file: Any, key_text: str, old: Path | None) -> None:
    """Check a proof with nothing but the log's public key."""
    try:
        key = verifier(key_text)
        earlier = opened(list(_notes(old.read_text()))[-1], key) if old else None
        told = proofs.checked(json.load(file), key, earlier)
    except (NotValid, proofs.NotProven) as error:
        click.echo(f"BAD: {error}")
        sys.exit(1)
    except ValueError:
        raise click.ClickException("This is no proof.") from None
    click.echo(f"Good: {told}")
