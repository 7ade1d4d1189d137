"""``flask worker`` and ``flask serve``."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from threading import Thread

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlmodel import Session

from channels import destinations_from_settings
from channels.app_context import ctx
from channels.cli.error_output import plainly
from channels.cli.keys import has_demo_staff
from channels.cli.staff_mail import StaffMail
from channels.database_upgrade import DEMO_STAFF
from config.settings import Settings
from incidents.alerts.job import Alerts
from incidents.anomaly_detection import page_number_guesses
from incidents.anomaly_detection.job import AccessWatch
from incidents.anomaly_detection.log_integrity import LogWatch
from incidents.canaries.job import CanaryWatch
from incidents.evening_notes.job import EveningNotes
from incidents.grouping.job import Grouping
from incidents.leak_tracing import access_counts
from incidents.reports import reporter_feedback, signals
from incidents.response.customer_warnings import Warnings
from incidents.waves.job import Waves
from messaging import delivery_reports
from messaging.dispatch.worker import Job, Worker
from people.approvals import command_execution
from people.customers import access_budgets
from procedures import approval_registry, number_change, undelivered_number_change
from procedures.data_expiry import Growth
from procedures.retention import Retention
from scheduling.booking import bookings
from scheduling.booking.earlier_offers import EarlierTimes
from scheduling.booking.tzdata_changes import ZoneRules
from scheduling.notifications import voice_fallback
from scheduling.policy import Policy
from vault.audit.checkpoint_job import AuditLog
from verification import bridged_calls, call_session, page_number_limits

#: Hidden: stop when the other end of the standard input is gone, however its process ended.
together = click.option("--together", is_flag=True, hidden=True)


@click.command("worker")
@together
@with_appcontext
def worker(together: bool) -> None:
    """Send due texts and do the periodic jobs, until told to stop. Any number may run."""
    _refuse_demo_staff()
    here = ctx()
    jobs: tuple[Job, ...] = (
        _with_policy(bookings.miss_overdue),
        call_session.end_forgotten,
        delivery_reports.forget_old,
        Growth(),
        command_execution.expire,
        _with_policy(approval_registry.void_hopeless),
        signals.gather,
        _with_policy(reporter_feedback.tell),
        _with_policy(bridged_calls.presume_people),
        _with_policy(voice_fallback.speak),
        _with_policy(number_change.speak),
        _with_policy(number_change.begin_waits),
        undelivered_number_change.raise_cases,
        page_number_guesses.raise_cases,
        page_number_limits.forget_old,
        access_budgets.forget_old,
        AccessWatch(here.policy),
        ZoneRules(here.policy),
        EarlierTimes(here.policy),
        CanaryWatch(),
        LogWatch(here.engine, here.info, here.clock),
        AuditLog(here.audit_origin, here.places, here.engine, here.info, here.clock),
        access_counts.keep_up,
        Grouping(),
        Warnings(here.policy),
        Waves(here.policy.default_zone),
        Alerts(here.alert_places, here.policy.voice(), here.engine, here.info, here.clock),
        *_retention(current_app.config["VOUCHLINE_SETTINGS"]),
        *_staff_mail(current_app.config["VOUCHLINE_SETTINGS"]),
    )
    at_work = Worker(
        here.engine,
        here.ring,
        here.gateways,
        here.clock,
        jobs,
        here.rules,
        here.worker_hands,
        here.line,
    )

    def stop(*_: object) -> None:
        at_work.stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if together:
        _stop_with_parent()
    at_work.run()


def _retention(settings: Settings) -> list[Job]:
    days = settings.retention_days
    return [Retention(timedelta(days=days))] if days else []


def _staff_mail(settings: Settings) -> list[Job]:
    here, mailer = ctx(), destinations_from_settings.mailer(settings)
    patience = timedelta(days=settings.note_patience_days)
    name = settings.organisation
    notes = EveningNotes(patience, mailer, name, here.engine, here.info, here.clock)
    if mailer is None:
        return [notes]
    return [notes, StaffMail(mailer, name, here.engine, here.info, here.clock)]


def _with_policy(job: Callable[[Session, Policy, datetime], None]) -> Job:
    policy = ctx().policy

    @wraps(job)
    def run(session: Session, now: datetime) -> None:
        job(session, policy, now)

    return run


@click.command("serve")
@click.option("--host", default="127.0.0.1", help="Address to listen on; a proxy stands before.")
@together
@with_appcontext
def serve(host: str, together: bool) -> None:
    """Serve the pages, webhooks and the API on PORT."""
    from config.server import run  # noqa: PLC0415  (large; other commands start without it)

    _refuse_demo_staff()
    settings: Settings = current_app.config["VOUCHLINE_SETTINGS"]
    if together:
        _stop_with_parent()
    run(settings, host)


def _stop_with_parent() -> None:
    def watch() -> None:
        os.read(0, 1)  # nothing is ever written: it ends when the pipe does
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=watch, daemon=True).start()


def _refuse_demo_staff() -> None:
    with plainly():
        if not ctx().demo and has_demo_staff():
            raise click.ClickException(DEMO_STAFF)
