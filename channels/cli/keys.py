"""``flask keys`` and ``flask doctor``."""

from __future__ import annotations

import sqlite3
import sys
from uuid import UUID

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from channels import database_upgrade
from channels.app_context import ctx, now, unit
from channels.cli import proxy_check as asked_proxies
from channels.cli.approvals import approved, why_option
from channels.cli.error_output import plainly
from channels.cli.proxy_check import NotAsked
from channels.cli.rotate_index_key import rotate_index
from channels.database_upgrade import DEMO_STAFF
from channels.error_handlers import OUT_OF_REACH
from config import settings_checks
from config.settings_checks import Finding
from incidents.alerts import delivery_queue as alerts
from messaging.dispatch import worker
from people.approvals import bootstrap
from procedures import approval_registry
from storage import migrate
from vault.audit import audit_log, checkpoint_job, log_health
from vault.audit.acts import AuditAct
from vault.errors import KeyUnavailable
from vault.keys import key_register, master_key_providers, master_key_rotation

keys = AppGroup("keys", help="Master keys, and the key of the blind index.")
keys.add_command(rotate_index)


@keys.command("new")
def new() -> None:
    """Print a fresh master key, for VOUCHLINE_MASTER_KEYS or a file that it names."""
    click.echo(master_key_providers.new_entry("k"))


@keys.command("list")
def list_keys() -> None:
    """Say how many keys in the store each configured master key wraps."""
    with plainly(), unit(read_only=True) as session:
        found = master_key_rotation.wrapped_by(session, list(ctx().master.keys))
    for name, count in found.items():
        note = "  wraps what is new" if name == ctx().master.current else ""
        click.echo(f"{name:<34} {count:>12,}{note}")


@keys.command("pin")
def pin() -> None:
    """Print the value for VOUCHLINE_KEY_REGISTER_PIN. With it, the server refuses another store
    and an earlier state of this store's keys, even if somebody puts one in its place."""
    with plainly(), unit(read_only=True) as session:
        click.echo(key_register.load(session, ctx().master).pin)


@keys.command("rotate")
@why_option
def rotate(why: str) -> None:
    """Wrap every key in the store anew under the first of VOUCHLINE_MASTER_KEYS.

    First give that setting a new key in front of the old one, everywhere, and restart; then run
    this while all works on. Can be stopped and run again. Ends with 3 when two people must approve
    it first.
    """
    master = ctx().master
    with approved(approval_registry.ROTATE, {"to": master.current}, why):
        with unit() as session:
            audit_log.record(
                session, audit_log.OPERATOR, AuditAct.KEYS_ROTATE, now(), detail=master.current
            )
            master_key_rotation.rewrap_purposes(session, master)
            total = master_key_rotation.count(session)
        after: UUID | None = master_key_rotation.FIRST
        with click.progressbar(length=total, file=sys.stderr, label="Wrapping anew") as bar:
            while after is not None:
                with unit() as session:
                    looked_at, after = master_key_rotation.rewrap(session, master, after)
                bar.update(looked_at)
        with unit() as session:
            audit_log.record(
                session, audit_log.OPERATOR, AuditAct.KEYS_ROTATED, now(), detail=master.current
            )
            left = master_key_rotation.wrapped_by(
                session, [n for n in master.keys if n != master.current]
            )
    for name, count in left.items():
        if count:
            click.echo(f"{name} still wraps {count:,} keys: restart what uses it, and run again.")
        else:
            click.echo(f"{name} wraps nothing any more: take it out of VOUCHLINE_MASTER_KEYS.")
    click.echo(f"All else is wrapped by {master.current}.")


@click.command("doctor")
@with_appcontext
def doctor() -> None:
    """Say what in the configuration is wrong or unsafe; fails when production would not start."""
    proxies, note = _proxies()
    found = [
        *settings_checks.findings(current_app.config["VOUCHLINE_SETTINGS"]),
        *_store(),
        *_limits(),
    ]
    found += proxies
    for finding in found:
        sign = "✗" if finding.level == "refuse" else "!"
        click.echo(f"{sign} {finding.sentence}")
    if not found:
        click.echo("✓ Nothing to mend.")
    if note:
        click.echo(f"- {note}")
    if any(finding.level == "refuse" for finding in found):
        click.echo("Production does not start before what is marked ✗ is mended.")
        sys.exit(1)


def _proxies() -> tuple[list[Finding], str]:
    """What is wrong about the proxies before the running server; or, in the demo, that there was
    no server to ask, which is nothing to mend."""
    try:
        return asked_proxies.findings(ctx().base_url), ""
    except NotAsked as not_asked:
        finding = not_asked.finding
        if ctx().demo and finding.level == "warn":
            return [], finding.sentence
        return [finding], ""


def _limits() -> list[Finding]:
    return [Finding("warn", each) for each in ctx().limiter.unsafe()]


def _store() -> list[Finding]:
    if sqlite3.sqlite_version_info < (3, 35):
        return [Finding("refuse", "SQLite is older than 3.35: use PostgreSQL or a newer Python.")]
    try:
        here = ctx()
        unsound = database_upgrade.problem(here.engine, here.master, here.key_register_pin)
        if unsound:
            return [Finding("refuse", f"Keys: {unsound}.")]
        with unit(read_only=True) as session:
            if migrate.current(session.connection()) != migrate.head():
                return [Finding("refuse", "The store is not migrated: run 'flask db upgrade'.")]
            here.ring.ready()
            found = []
            if has_demo_staff():
                found.append(Finding("refuse", DEMO_STAFF))
            if not worker.alive(session, now()):
                found.append(Finding("warn", "No worker is at work: run 'flask worker'."))
            if bootstrap.approvers(session) < bootstrap.ENOUGH:
                found.append(Finding("warn", NOBODY_APPROVES))
            found += [Finding("warn", each) for each in checkpoint_job.late(session, here.places)]
            found += [Finding("warn", each) for each in log_health.faults(session, now())]
            found += [Finding("warn", each) for each in log_health.ends(session, now())]
            found += [Finding("warn", each) for each in alerts.late(session, here.alert_places)]
            return found
    except KeyUnavailable as error:
        return [Finding("refuse", f"Keys: {error}.")]
    except OUT_OF_REACH as error:
        return [Finding("refuse", f"The store or its keys cannot be used: {type(error).__name__}.")]


NOBODY_APPROVES = (
    "No two people can approve yet what takes two: enrol two supervisors or investigators."
)


def has_demo_staff() -> bool:
    """Whether somebody could sign in with the demo's known password."""
    return database_upgrade.has_demo_staff(ctx().engine)
