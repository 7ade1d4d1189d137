"""``flask audit``: checkpoints of the log, its verification, and proofs of single entries."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup
from sqlmodel import Session

from channels.app_context import current_context, current_time, unit_of_work
from channels.cli.error_output import readable_errors
from channels.error_codes import ChannelErrorCode
from channels.error_texts import describe_error_in_english
from vault.audit import checkpoints, log_state, log_verification, proofs, sequencer
from vault.audit.checkpoint_job import CheckpointJob
from vault.audit.signed_notes import (
    Checkpoint,
    InvalidNote,
    VerifierKey,
    open_checkpoint,
    parse_verifier_key,
)

audit_group = AppGroup("audit", help="The audit log.")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_key_option = click.option("--key", "key_text", help="The log's public key, from a safe place.")


@audit_group.command("checkpoint")
def checkpoint_command() -> None:
    """Sequence all new entries, sign a checkpoint, write it to all destinations, and print it."""
    here = current_context()
    with readable_errors():
        while _append_waiting_entries():
            pass
        with unit_of_work() as session:
            note = checkpoints.create_checkpoint(session, here.audit_origin, current_time()).note
        work = CheckpointJob(here.audit_origin, here.places, here.engine, here.info, here.clock)
        work.publish_checkpoint()
    click.echo(note, nl=False)


def _append_waiting_entries() -> int:
    with unit_of_work() as session:
        return sequencer.sequence_entries(session, current_time())


@audit_group.command("key")
def log_key_command() -> None:
    """Print the log's public key. Store it where no insider can change it."""
    with readable_errors(), unit_of_work(read_only=True) as session:
        click.echo(str(_own_log_key(session)))


def _own_log_key(session: Session) -> VerifierKey:
    return checkpoints.log_signer(session, current_context().audit_origin).verifier


@audit_group.command("verify")
@click.option("--checkpoint", "files", type=_FILE, multiple=True, help="A file of checkpoints.")
@_key_option
def verify_log_command(files: tuple[Path, ...], key_text: str | None) -> None:
    """Verify the whole log against earlier checkpoints, and print the first bad entry.

    Also verifies entries that no checkpoint covers yet. Exits with 1 if something is bad, and with
    3 if a process ended without its final record and no entry explains it.

    Pass checkpoints and the key from where insiders cannot reach them. Without any, the checkpoints
    in the database are used: that finds mistakes, not deliberate tampering.
    """
    with readable_errors(), unit_of_work(read_only=True) as session:
        known = _read_known_checkpoints(session, files, key_text)
        size = log_state.count_sequenced_entries(session)
        with click.progressbar(length=size, file=sys.stderr, label="Verifying") as bar:
            result = log_verification.verify_log(session, known, bar.update, current_time())
    if result.bad:
        click.echo(f"BAD: {result.bad}")
        sys.exit(1)
    click.echo(
        f"Good: {result.size:,} entries, {result.covered:,} of them covered by"
        f" {len(known):,} checkpoint{'' if len(known) == 1 else 's'}."
    )
    for end in result.ends:
        click.echo(f"NOT EXPLAINED: {end.sentence}")
    if not all(end.told for end in result.ends):
        sys.exit(3)


def _read_known_checkpoints(
    session: Session, files: tuple[Path, ...], key_text: str | None
) -> list[Checkpoint]:
    try:
        key = parse_verifier_key(key_text) if key_text else _own_log_key(session)
        if not files:
            click.echo("No --checkpoint given: using the store's own.", err=True)
            newest = checkpoints.find_latest_checkpoint(session)
            return [open_checkpoint(newest.note, key)] if newest else []
        return [
            open_checkpoint(note, key)
            for file in files
            for note in _split_signed_notes(file.read_text())
        ]
    except InvalidNote as error:
        raise click.ClickException(describe_error_in_english(error)) from None
    except UnicodeDecodeError:
        raise click.ClickException("This file holds no checkpoints.") from None


def _split_signed_notes(text: str) -> Iterator[str]:
    """Yield the signed notes of a file. A note is a text, an empty line and signatures; an empty
    line separates notes."""
    blocks = text.strip("\n").split("\n\n")
    if len(blocks) % 2:
        raise InvalidNote(ChannelErrorCode.CHECKPOINT_FILE_INVALID)
    for body, signatures in zip(blocks[::2], blocks[1::2], strict=True):
        yield f"{body}\n\n{signatures}\n"


@audit_group.command("prove")
@click.argument("entry", type=int)
def prove_entry_command(entry: int) -> None:
    """Print a proof, as JSON, that entry ENTRY is in the log. Check it with `flask audit
    check-proof`."""
    with readable_errors(), unit_of_work(read_only=True) as session:
        proof = proofs.build_entry_proof(session, entry)
    if proof is None:
        raise click.ClickException("This entry is in no checkpoint yet, or there is none such.")
    click.echo(json.dumps(proof, indent=1))


@audit_group.command("prove-growth")
@click.argument("old", type=click.IntRange(1))
def prove_growth_command(old: int) -> None:
    """Print a proof, as JSON, that the log of the newest checkpoint begins with the OLD entries of
    an earlier one."""
    with readable_errors(), unit_of_work(read_only=True) as session:
        proof = proofs.build_growth_proof(session, old)
    if proof is None:
        raise click.ClickException("No checkpoint is that large yet.")
    click.echo(json.dumps(proof, indent=1))


@audit_group.command("check-proof")
@click.argument("file", type=click.File())
@click.option("--key", "key_text", required=True, help="The log's public key.")
@click.option("--checkpoint", "old", type=_FILE, help="The earlier checkpoint, for growth.")
def check_proof_command(file: Any, key_text: str, old: Path | None) -> None:
    """Check a proof, using only the log's public key."""
    try:
        key = parse_verifier_key(key_text)
        earlier = (
            open_checkpoint(list(_split_signed_notes(old.read_text()))[-1], key) if old else None
        )
        message = proofs.verify_proof(json.load(file), key, earlier)
    except (InvalidNote, proofs.InvalidProof) as error:
        click.echo(f"BAD: {describe_error_in_english(error)}")
        sys.exit(1)
    except ValueError:
        raise click.ClickException("This is no proof.") from None
    click.echo(f"Good: {message}")
