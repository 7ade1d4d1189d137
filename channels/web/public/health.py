"""Health, readiness and metrics of the service."""

from __future__ import annotations

import hmac

from flask import Blueprint, Response, jsonify, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Gauge,
    generate_latest,
)
from sqlmodel import Session

from channels import proxy_detection
from channels.app_context import current_context, current_time, unit_of_work
from channels.error_handlers import UNAVAILABLE_ERRORS
from channels.startup import database_upgrade
from incidents.anomaly_detection import log_integrity
from incidents.cases import creation
from messaging import outbox_stats, spending
from messaging.dispatch import worker
from messaging.message_kinds import SMALL_BUDGETS
from storage import migrate
from vault.audit import checkpoint_job, log_health
from vault.errors import KeyForged
from verification import page_number_limits

bp = Blueprint("health", __name__)
#: Parts whose faults stop no work.
_INFORMATIONAL_PARTS = ("checkpoints", "audit_log", "page_numbers", "proxies")


@bp.get("/healthz")
def healthz() -> Response:
    """Answer that the process runs; a probe of the doctor also gets what arrived with the
    request."""
    probe_answer = proxy_detection.answer_probe()
    return jsonify(status="ok", probe=probe_answer) if probe_answer else jsonify(status="ok")


@bp.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Report the state of database, keys, migrations, worker, checkpoints, audit log and page
    numbers: ``ok`` or what to do. Faults of the audit log, late checkpoints, guessed page numbers
    and a proxy that is not counted (listed once it was noticed) do not affect readiness."""
    names = ("database", "keys", "migrations", "worker", "checkpoints", "audit_log", "page_numbers")
    parts = dict.fromkeys(names, "ok")
    try:
        with unit_of_work(read_only=True) as session:
            _check_readiness_parts(session, parts)
    except UNAVAILABLE_ERRORS:
        parts = {"database": "out of reach"}
    if proxy_detection.was_uncounted_noticed():
        parts["proxies"] = "one is not counted: run 'flask --app app doctor'"
    ready = all(state == "ok" for name, state in parts.items() if name not in _INFORMATIONAL_PARTS)
    status = "ready" if ready else "not ready"
    return jsonify(status=status, parts=parts), 200 if ready else 503


def _check_readiness_parts(session: Session, parts: dict[str, str]) -> None:
    here = current_context()
    try:
        database_upgrade.require_sound_keys(session, here.master, here.key_register_pin)
        if migrate.current_revision(session.connection()) != migrate.head_revision():
            parts["migrations"] = "run 'flask --app app db upgrade'"
            return
        here.ring.load_all_keys()
    except KeyForged:
        parts["keys"] = "not what this store had: run 'flask --app app doctor'"
    except UNAVAILABLE_ERRORS:
        parts["keys"] = "the master keys do not open this store"
    if checkpoint_job.describe_late_publications(session, current_context().places):
        parts["checkpoints"] = "not all places take them: run 'flask --app app doctor'"
    if page_number_limits.is_guess_limit_reached(session, current_time()):
        parts["page_numbers"] = "too many are guessed: given by text alone for now"
    if _log_faults(session):
        parts["audit_log"] = "it is not as it should be: run 'flask --app app doctor'"
    if not worker.is_worker_alive(session, current_time()):
        parts["worker"] = "no worker has been at work lately: run 'flask --app app worker'"


def _log_faults(session: Session) -> list[str]:
    """Return the faults of the audit log now, or that the worker found some and the case is
    open."""
    faults = log_health.find_log_faults(session, current_time())
    return faults or (
        ["A case of it is open."]
        if creation.has_unclosed_case(session, log_integrity.DEDUP_KEY)
        else []
    )


@bp.get("/metrics")
def serve_metrics() -> Response | tuple[Response, int]:
    """Serve metrics for Prometheus to the holder of the bearer token; closed in production without
    a token."""
    token = current_context().metrics_token
    supplied = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token and not hmac.compare_digest(token.encode(), supplied.encode()):
        return Response("a bearer token is needed\n", mimetype="text/plain"), 401
    if not token and not current_context().demo:
        return Response("set VOUCHLINE_METRICS_TOKEN\n", mimetype="text/plain"), 403
    body = generate_latest(REGISTRY) + _outbox_metrics()
    return Response(body, content_type=CONTENT_TYPE_LATEST)


def _outbox_metrics() -> bytes:
    """Return the metrics of the outbox from the database, the same in every process."""
    try:
        with unit_of_work(read_only=True) as session:
            outbox = outbox_stats.measure_outbox(session, current_time())
            hour, day = spending.total_spent(session, current_time())
            small = spending.small_budgets_spent(session, current_time())[0]
            wrong = page_number_limits.count_wrong_tries(session, current_time())
            log = _log_metric_values(session)
    except UNAVAILABLE_ERRORS:
        return b""
    registry = CollectorRegistry()
    for name, text, value in (
        ("texts_waiting", "Texts not sent yet", outbox.waiting),
        ("texts_due", "Texts that should be on their way by now", outbox.due),
        ("texts_oldest_seconds", "Age of the oldest due text", outbox.oldest_seconds),
        ("texts_sent_last_hour", "Texts sent within the hour", outbox.sent),
        ("texts_sent_soon_last_hour", "Of those, within 10 seconds", outbox.sent_soon),
        ("spent_this_hour", "Money spent in this hour", hour / 1e6),
        ("spent_this_day", "Money spent in 24 hours", day / 1e6),
        ("page_numbers_wrong_this_hour", "Wrong page numbers typed in this hour", wrong[0]),
        ("page_numbers_wrong_this_day", "Wrong page numbers typed in 24 hours", wrong[1]),
    ):
        Gauge(f"vouchline_{name}", text, registry=registry).set(value)
    small_spending = Gauge(
        "vouchline_spent_small_this_hour",
        "Money spent in this hour on messages that anybody can trigger",
        ["purse"],
        registry=registry,
    )
    for purse in SMALL_BUDGETS:
        small_spending.labels(purse.value).set(small[purse] / 1e6)
    failed = Gauge(
        "vouchline_texts_failed_last_hour",
        "Texts that failed for good within the hour",
        ["reason"],
        registry=registry,
    )
    for reason, count in outbox.failures.items():
        failed.labels(reason).set(count)
    for name, text, value in log:
        Gauge(f"vouchline_{name}", text, registry=registry).set(value)
    return generate_latest(registry)


def _log_metric_values(session: Session) -> list[tuple[str, str, float]]:
    """Return name, help and value of each gauge of the audit log."""
    moment = current_time()
    since = log_health.unsequenced_since(session, moment)
    waits = max(0.0, (moment - since).total_seconds()) if since else 0.0
    wrong = len(_log_faults(session))
    return [
        ("audit_log_faults", "What is wrong with the audit log: more than 0 is an alarm", wrong),
        ("audit_log_waiting_seconds", "Age of the oldest entry without its place", waits),
    ]
