"""``flask cases``: verification of exported cases."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from flask.cli import AppGroup

from channels.error_texts import describe_error_in_english
from incidents.export import archive_verification
from vault.audit.signed_notes import InvalidNote, parse_verifier_key

cases_group = AppGroup("cases", help="Cases.")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@cases_group.command("check-export")
@click.argument("file", type=_FILE)
@click.option("--key", "key_text", required=True, help="The log's public key, from a safe place.")
def check_export_command(file: Path, key_text: str) -> None:
    """Verify an exported case, using only the audit log's public key. Reads no database."""
    try:
        message = archive_verification.verify_export_file(file, parse_verifier_key(key_text))
    except (InvalidNote, archive_verification.InvalidExport) as error:
        click.echo(f"BAD: {describe_error_in_english(error)}")
        sys.exit(1)
    click.echo(f"Good: {message}")
