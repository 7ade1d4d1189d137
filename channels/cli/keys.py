"""``flask keys``: master keys, and the key of the blind index."""

from __future__ import annotations

import sys
from uuid import UUID

import click
from flask.cli import AppGroup

from channels.app_context import current_context, current_time, unit_of_work
from channels.cli.approvals import reason_option, require_command_approval
from channels.cli.error_output import readable_errors
from channels.cli.rotate_index_key import rotate_index_command
from procedures import approval_registry
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import key_register, master_key_providers, master_key_rotation

keys_group = AppGroup("keys", help="Master keys, and the key of the blind index.")
keys_group.add_command(rotate_index_command)


@keys_group.command("new")
def new_key_command() -> None:
    """Print a new master key, for VOUCHLINE_MASTER_KEYS or a file that it names."""
    click.echo(master_key_providers.generate_key_entry("k"))


@keys_group.command("list")
def list_keys_command() -> None:
    """Print how many keys in the database each configured master key wraps."""
    with readable_errors(), unit_of_work(read_only=True) as session:
        counts = master_key_rotation.count_keys_by_master(
            session, list(current_context().master.keys)
        )
    for name, count in counts.items():
        note = "  wraps what is new" if name == current_context().master.current else ""
        click.echo(f"{name:<34} {count:>12,}{note}")


@keys_group.command("pin")
def register_pin_command() -> None:
    """Print the value for VOUCHLINE_KEY_REGISTER_PIN. With it, the server refuses another database
    and an earlier state of this database's keys."""
    with readable_errors(), unit_of_work(read_only=True) as session:
        click.echo(key_register.load_register(session, current_context().master).pin)


@keys_group.command("rotate")
@reason_option
def rotate_master_key_command(why: str) -> None:
    """Rewrap every key in the database under the first key of VOUCHLINE_MASTER_KEYS.

    First put a new key in front of the old one in that setting, on all machines, and restart. Then
    run this while the service runs. It can be stopped and run again. Exits with 3 if two people
    must approve it first.
    """
    master = current_context().master
    with require_command_approval(approval_registry.ROTATE_MASTER_KEY, {"to": master.current}, why):
        with unit_of_work() as session:
            audit_log.record_act(
                session,
                audit_log.OPERATOR,
                AuditAct.KEYS_ROTATE,
                current_time(),
                detail=master.current,
            )
            master_key_rotation.rewrap_purpose_keys(session, master)
            total = master_key_rotation.count_data_keys(session)
        after: UUID | None = master_key_rotation.FIRST_OWNER
        with click.progressbar(length=total, file=sys.stderr, label="Re-wrapping") as bar:
            while after is not None:
                with unit_of_work() as session:
                    looked_at, after = master_key_rotation.rewrap_data_keys(session, master, after)
                bar.update(looked_at)
        with unit_of_work() as session:
            audit_log.record_act(
                session,
                audit_log.OPERATOR,
                AuditAct.KEYS_ROTATED,
                current_time(),
                detail=master.current,
            )
            left = master_key_rotation.count_keys_by_master(
                session, [n for n in master.keys if n != master.current]
            )
    for name, count in left.items():
        if count:
            click.echo(f"{name} still wraps {count:,} keys: restart what uses it, and run again.")
        else:
            click.echo(f"{name} wraps nothing any more: take it out of VOUCHLINE_MASTER_KEYS.")
    click.echo(f"Everything else is wrapped by {master.current}.")
