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

from channels.app_context import current_context
from channels.cli.doctor import database_has_demo_staff
from channels.cli.error_output import readable_errors
from channels.cli.staff_mail import StaffMailJob
from channels.startup import destinations_from_settings
from channels.startup.database_upgrade import DEMO_STAFF_PROBLEM
from config.settings import Settings
from incidents.alerts.job import AlertDeliveryJob
from incidents.anomaly_detection import page_number_guesses
from incidents.anomaly_detection.job import AccessAnomalyJob
from incidents.anomaly_detection.log_integrity import LogIntegrityJob
from incidents.canaries.job import CanaryDetectionJob
from incidents.evening_notes.job import EveningNotesJob
from incidents.grouping.job import GroupingJob
from incidents.leak_tracing import access_counts
from incidents.reports import reporter_feedback, signals
from incidents.response.customer_warnings import CustomerWarningJob
from incidents.waves.job import WaveDetectionJob
from messaging import delivery_reports
from messaging.dispatch.worker import PeriodicJob, Worker
from messaging.mail_templates import MailContext
from people.approvals import command_execution
from people.customers import access_budgets
from procedures import (
    approval_registry,
    old_number_notices,
    undelivered_number_change,
)
from procedures.data_expiry import DataExpiryJob
from procedures.retention import RetentionJob
from scheduling.booking import cancellations
from scheduling.booking.earlier_offers import EarlierOffersJob
from scheduling.booking.tzdata_changes import TzdataChangesJob
from scheduling.notifications import voice_fallback
from scheduling.policy import Policy
from vault.audit.checkpoint_job import CheckpointJob
from verification import bridged_calls, call_end, page_number_limits

#: Hidden: stop when standard input is closed, which happens however the parent process ends.
together_option = click.option("--together", is_flag=True, hidden=True)


@click.command("worker")
@together_option
@with_appcontext
def worker_command(together: bool) -> None:
    """Send due texts and run the periodic jobs until stopped. Any number of workers may run."""
    _exit_on_demo_staff()
    here = current_context()
    jobs: tuple[PeriodicJob, ...] = (
        _with_policy(cancellations.mark_overdue_missed),
        call_end.end_overdue_calls,
        delivery_reports.purge_delivery_reports,
        DataExpiryJob(),
        command_execution.expire_requests,
        _with_policy(approval_registry.void_invalid_requests),
        signals.record_failed_checks,
        _with_policy(reporter_feedback.queue_feedback_texts),
        _with_policy(bridged_calls.presume_answered_by_person),
        _with_policy(voice_fallback.announce_failed_by_voice),
        _with_policy(old_number_notices.queue_voice_notices),
        _with_policy(old_number_notices.start_number_holds),
        undelivered_number_change.open_undelivered_cases,
        page_number_guesses.open_guessing_case,
        page_number_limits.prune_wrong_tries,
        access_budgets.prune_record_accesses,
        AccessAnomalyJob(here.policy),
        TzdataChangesJob(here.policy),
        EarlierOffersJob(here.policy),
        CanaryDetectionJob(),
        LogIntegrityJob(here.engine, here.info, here.clock),
        CheckpointJob(here.audit_origin, here.places, here.engine, here.info, here.clock),
        access_counts.update_access_tally,
        GroupingJob(),
        CustomerWarningJob(here.policy),
        WaveDetectionJob(here.policy.default_zone),
        AlertDeliveryJob(
            here.alert_places, here.policy.message_context_for(), here.engine, here.info, here.clock
        ),
        *_retention_jobs(current_app.config["VOUCHLINE_SETTINGS"]),
        *_staff_mail_jobs(current_app.config["VOUCHLINE_SETTINGS"]),
    )
    at_work = Worker(
        here.engine,
        here.ring,
        here.gateways,
        here.clock,
        jobs,
        here.rules,
        here.worker_concurrency,
        here.line,
        here.voices,
    )

    def stop_worker(*_: object) -> None:
        at_work.stopping.set()

    signal.signal(signal.SIGTERM, stop_worker)
    signal.signal(signal.SIGINT, stop_worker)
    if together:
        _stop_with_parent()
    at_work.run_until_stopped()


def _retention_jobs(settings: Settings) -> list[PeriodicJob]:
    days = settings.retention_days
    return [RetentionJob(timedelta(days=days))] if days else []


def _staff_mail_jobs(settings: Settings) -> list[PeriodicJob]:
    here, mailer = current_context(), destinations_from_settings.mailer_from_settings(settings)
    patience = timedelta(days=settings.note_deadline_days)
    mail = MailContext(settings.organisation, settings.languages[0])
    notes = EveningNotesJob(patience, mailer, mail, here.engine, here.info, here.clock)
    if mailer is None:
        return [notes]
    return [notes, StaffMailJob(mailer, mail, here.engine, here.info, here.clock)]


def _with_policy(job: Callable[[Session, Policy, datetime], None]) -> PeriodicJob:
    policy = current_context().policy

    @wraps(job)
    def run_with_policy(session: Session, now: datetime) -> None:
        job(session, policy, now)

    return run_with_policy


@click.command("serve")
@click.option("--host", default="127.0.0.1", help="Address to listen on, behind the proxy.")
@together_option
@with_appcontext
def serve_command(host: str, together: bool) -> None:
    """Serve the pages, webhooks and the API on PORT."""
    from config.server import run_server  # noqa: PLC0415  (large; other commands start without it)

    _exit_on_demo_staff()
    settings: Settings = current_app.config["VOUCHLINE_SETTINGS"]
    if together:
        _stop_with_parent()
    run_server(settings, host)


def _stop_with_parent() -> None:
    def exit_when_parent_ends() -> None:
        os.read(0, 1)  # nothing is ever written: this returns when the pipe is closed
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=exit_when_parent_ends, daemon=True).start()


def _exit_on_demo_staff() -> None:
    with readable_errors():
        if not current_context().demo and database_has_demo_staff():
            raise click.ClickException(DEMO_STAFF_PROBLEM)
