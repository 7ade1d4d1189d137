"""Submission of reports of unexpected calls, from anybody, and their view for investigators."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from incidents.reports import duplicate_reports, report_fields, signals
from incidents.reports.models import REFERENCE_LENGTH, Report
from incidents.reports.report_fields import (
    ReportSubmission,
)
from people.customers import customer_records
from storage import advisory_lock
from storage.column_types import new_id
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import keyring

#: How long after a report its number may still be proven.
PROOF_WINDOW = timedelta(hours=24)
_REFERENCE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def submit_for_reference(
    session: Session,
    told: ReportSubmission,
    now: datetime,
    actor: audit_log.Actor = audit_log.CUSTOMER,
) -> str:
    """Store a report and return its reference. Raises ``InvalidInput``."""
    return submit_report(session, told, now, actor).reference


def submit_report(
    session: Session,
    told: ReportSubmission,
    now: datetime,
    actor: audit_log.Actor = audit_log.CUSTOMER,
) -> Report:
    """Store a new report, or merge it into the report that the same number made within the hour.

    A report from the number itself also proves the reports of that number of the last day. Raises
    ``InvalidInput``.
    """
    report_fields.validate_submission(told, now)
    ring = keyring.current_keyring(session)
    advisory_lock.acquire_lock(session, ring.compute_stable_form("phone", told.phone))
    forms = ring.compute_search_forms("phone", told.phone)
    if told.proven:
        mark_reports_proven(session, told.phone, now)
    report = duplicate_reports.find_duplicate(session, told, forms, now)
    if report is None and duplicate_reports.is_flooding(session, told, forms, now):
        told = replace(told, doubtful=True)
        report = duplicate_reports.find_duplicate(session, told, forms, now)
    if report is None:
        report, done = _create_report(session, told, forms[0], now), AuditAct.REPORT_FILE
        _emit_report_signal(session, report, now)
    else:
        done = AuditAct.REPORT_ADD
        report.times += 1
        if duplicate_reports.merge_into_report(session, report, told):
            _emit_report_signal(session, report, now)
    _record_report_act(session, report, done, told.channel, now, actor)
    return report


def add_to_report(session: Session, report: Report, more: ReportSubmission, now: datetime) -> None:
    """Merge more details from the same reporter into a report. Raises ``InvalidInput``."""
    report_fields.validate_submission(more, now)
    if duplicate_reports.merge_into_report(session, report, more):
        _emit_report_signal(session, report, now)
        _record_report_act(
            session, report, AuditAct.REPORT_ADD, more.channel, now, audit_log.CUSTOMER
        )


def find_report_for_update(session: Session, reference: str) -> Report | None:
    """Return the report with this reference, locked."""
    statement = select(Report).where(col(Report.reference) == reference)
    return session.exec(statement.with_for_update()).first()


def find_latest_reference(session: Session, phone: str, channel: str, now: datetime) -> str:
    """Return the reference of this number's latest report over a channel within the hour, or
    ``""``."""
    reference = session.exec(
        select(Report.reference)
        .where(
            col(Report.phone_index).in_(
                keyring.current_keyring(session).compute_search_forms("phone", phone)
            ),
            col(Report.channel) == channel,
            col(Report.at) > now - duplicate_reports.DUPLICATE_WINDOW,
        )
        .order_by(col(Report.id).desc())
        .limit(1)
    ).first()
    return reference or ""


def _create_report(session: Session, told: ReportSubmission, index: bytes, now: datetime) -> Report:
    row = new_id()
    customer = customer_records.find_by_phone(session, told.phone)
    sealed: dict[str, Any] = {
        name: report_fields.seal_report_field(session, row, name, value)
        for name, value in {"phone": told.phone, **report_fields.collect_text_fields(told)}.items()
    }
    report = Report(
        id=row,
        reference="R"
        + "".join(secrets.choice(_REFERENCE_ALPHABET) for _ in range(REFERENCE_LENGTH - 1)),
        kind=told.kind,
        callback_id=told.callback_id,
        at=now,
        channel=told.channel,
        proven=told.proven,
        phone_index=index,
        customer_id=customer.id if customer else None,
        called_at=told.called_at,
        number_hidden=told.number_hidden,
        tell_outcome=told.tell_me,
        doubtful=told.doubtful,
        **sealed,
    )
    session.add(report)
    session.flush()
    return report


def _emit_report_signal(session: Session, report: Report, now: datetime) -> None:
    if report.kind == report_fields.OBJECTION:  # about an access, not about a call
        return
    sign = signals.Signal(
        report.kind,
        now,
        report.channel,
        proven=report.proven,
        customer_id=report.customer_id,
        phone_index=report.phone_index,
        report_id=report.id,
    )
    signals.record_signal(session, sign)


def _record_report_act(
    session: Session,
    report: Report,
    done: AuditAct,
    channel: str,
    now: datetime,
    actor: audit_log.Actor,
) -> None:
    audit_log.record_act(
        session,
        actor,
        done,
        now,
        customer_id=report.customer_id,
        callback_id=report.callback_id,
        purpose="told by phone" if actor.staff_id else "",
        detail=f"{report.reference} {channel} {report.kind}",
    )


def mark_reports_proven(session: Session, phone: str, now: datetime) -> None:
    """Mark the number's unproven reports of the last day as proven, after its owner has proven to
    hold it.

    Doubtful reports, which a program seems to have filled in, stay unproven.
    """
    rows = session.exec(
        select(Report)
        .where(
            col(Report.phone_index).in_(
                keyring.current_keyring(session).compute_search_forms("phone", phone)
            ),
            col(Report.proven).is_(False),
            col(Report.proven_at).is_(None),
            col(Report.doubtful).is_(False),
            col(Report.at) > now - PROOF_WINDOW,
        )
        .order_by(col(Report.id))
        .with_for_update()
    ).all()
    for report in rows:
        report.proven_at = now
        session.add(report)
        _emit_report_signal(session, report, now)
        _record_report_act(
            session, report, AuditAct.REPORT_PROVE, report.channel, now, audit_log.CUSTOMER
        )
