"""``flask doctor``: finds faults of settings, proxies and the database."""

from __future__ import annotations

import sqlite3
import sys

import click
from flask import current_app
from flask.cli import with_appcontext

from channels.app_context import current_context, current_time, unit_of_work
from channels.cli import proxy_check as asked_proxies
from channels.cli.proxy_check import ServerNotAsked
from channels.error_handlers import UNAVAILABLE_ERRORS
from channels.startup import database_upgrade, startup_checks
from channels.startup.database_upgrade import DEMO_STAFF_PROBLEM
from config.settings_checks import SettingsFinding
from incidents.alerts import delivery_queue as alerts
from messaging.dispatch import worker
from people.approvals import bootstrap
from storage import migrate
from vault.audit import checkpoint_job, log_health
from vault.errors import KeyUnavailable


@click.command("doctor")
@with_appcontext
def doctor_command() -> None:
    """Print what is wrong or unsafe in the configuration. Fails if production would not start."""
    proxies, note = _proxy_findings()
    findings = [
        *startup_checks.check_settings(current_app.config["VOUCHLINE_SETTINGS"]),
        *_database_findings(),
        *_rate_limit_findings(),
    ]
    findings += proxies
    for finding in findings:
        sign = "✗" if finding.level == "refuse" else "!"
        click.echo(f"{sign} {finding.sentence}")
    if not findings:
        click.echo("✓ Nothing to fix.")
    if note:
        click.echo(f"- {note}")
    if any(finding.level == "refuse" for finding in findings):
        click.echo("Production does not start until everything marked ✗ is fixed.")
        sys.exit(1)


def _proxy_findings() -> tuple[list[SettingsFinding], str]:
    """Return the proxy faults of the running server, and a note.

    In the demo, a server that cannot be reached is a note and not a finding.
    """
    try:
        return asked_proxies.find_proxy_faults(current_context().base_url), ""
    except ServerNotAsked as not_asked:
        finding = not_asked.finding
        if current_context().demo and finding.level == "warn":
            return [], finding.sentence
        return [finding], ""


def _rate_limit_findings() -> list[SettingsFinding]:
    return [
        SettingsFinding("warn", fault) for fault in current_context().limiter.find_storage_faults()
    ]


def _database_findings() -> list[SettingsFinding]:
    if sqlite3.sqlite_version_info < (3, 35):
        return [
            SettingsFinding(
                "refuse", "SQLite is older than 3.35: use PostgreSQL or a newer Python."
            )
        ]
    try:
        here = current_context()
        unsound = database_upgrade.find_key_problem(here.engine, here.master, here.key_register_pin)
        if unsound:
            return [SettingsFinding("refuse", f"Keys: {unsound}.")]
        with unit_of_work(read_only=True) as session:
            if migrate.current_revision(session.connection()) != migrate.head_revision():
                return [
                    SettingsFinding("refuse", "The store is not migrated: run 'flask db upgrade'.")
                ]
            here.ring.load_all_keys()
            findings = []
            if database_has_demo_staff():
                findings.append(SettingsFinding("refuse", DEMO_STAFF_PROBLEM))
            if not worker.is_worker_alive(session, current_time()):
                findings.append(
                    SettingsFinding("warn", "No worker is at work: run 'flask worker'.")
                )
            if bootstrap.count_approvers(session) < bootstrap.MIN_APPROVERS:
                findings.append(SettingsFinding("warn", TOO_FEW_APPROVERS))
            findings += [
                SettingsFinding("warn", publication)
                for publication in checkpoint_job.describe_late_publications(session, here.places)
            ]
            findings += [
                SettingsFinding("warn", fault)
                for fault in log_health.find_log_faults(session, current_time())
            ]
            findings += [
                SettingsFinding("warn", writer)
                for writer in log_health.describe_lost_writers(session, current_time())
            ]
            findings += [
                SettingsFinding("warn", alert)
                for alert in alerts.describe_failed_alerts(session, here.alert_places)
            ]
            return findings
    except KeyUnavailable as error:
        return [SettingsFinding("refuse", f"Keys: {error}.")]
    except UNAVAILABLE_ERRORS as error:
        return [
            SettingsFinding(
                "refuse", f"The store or its keys cannot be used: {type(error).__name__}."
            )
        ]


TOO_FEW_APPROVERS = (
    "No two people can approve yet what takes two: enrol two supervisors or investigators."
)


def database_has_demo_staff() -> bool:
    """Return whether the demo's known password signs somebody in."""
    return database_upgrade.find_demo_staff(current_context().engine)
