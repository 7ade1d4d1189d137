"""Texts a reporter who asked for it the outcome of their report, once.

The text goes only to the reported number, and only if it is a customer's: anybody can type a
stranger's number into a form, and we text nobody we do not know. A report of an unknown number
waits until a customer has that number.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from incidents.error_codes import IncidentErrorCode
from incidents.reports.models import Report
from messaging import calling_hours, line_types, outbox, report_texts
from messaging.message_kinds import OUTCOME
from messaging.models import Priority
from messaging.providers.base import TEXT
from people.customers import customer_records
from people.errors import InvalidInput
from people.models import Customer
from scheduling.notifications import callback_notifier
from scheduling.policy import Policy
from vault.audit import audit_log
from vault.audit.acts import AuditAct

FEEDBACK_WINDOW = timedelta(days=90)
BATCH_SIZE = 50


def record_report_outcome(session: Session, report: Report, words_key: str, now: datetime) -> None:
    """Record the outcome to send to a reporter, one of
    :data:`messaging.report_texts.REPORT_OUTCOMES`.

    The worker queues the text if they asked for it. Only the first outcome is recorded. Raises
    ``InvalidInput``.
    """
    if words_key not in report_texts.REPORT_OUTCOMES:
        raise InvalidInput(
            "words_key",
            IncidentErrorCode.REPORT_OUTCOME_UNKNOWN,
            outcomes=report_texts.REPORT_OUTCOMES,
        )
    if not report.tell_outcome or report.outcome is not None:
        return
    report.outcome = words_key
    session.add(report)
    session.flush()
    audit_log.record_act(
        session,
        audit_log.SYSTEM,
        AuditAct.REPORT_OUTCOME,
        now,
        customer_id=report.customer_id,
        detail=f"{report.reference} {words_key}",
    )


def queue_feedback_texts(session: Session, policy: Policy, now: datetime) -> None:
    """Queue the texts that are due, within calling hours in the customer's zone (a job of the
    worker)."""
    rows = session.exec(
        select(Report, Customer)
        .join(Customer, col(Customer.phone_index) == col(Report.phone_index))
        .where(
            col(Report.outcome).is_not(None),
            col(Report.told_at).is_(None),
            col(Report.at) > now - FEEDBACK_WINDOW,
            col(Customer.erased_at).is_(None),
        )
        .order_by(col(Report.id))
        .limit(BATCH_SIZE)
        .with_for_update(of=Report, skip_locked=True)
    ).all()
    for report, customer in rows:
        _queue_feedback_text(session, report, customer, policy, now)


def _queue_feedback_text(
    session: Session, report: Report, customer: Customer, policy: Policy, now: datetime
) -> None:
    report.told_at = now
    session.add(report)
    phone = customer_records.open_customer_details(session, customer).phone
    if line_types.find_line_type(session, phone, now) == line_types.LANDLINE:
        return  # an unexpected call is what they reported
    voice = callback_notifier.customer_message_context(session, customer, policy, now)
    zone = customer.timezone
    due_at = calling_hours.next_allowed_time(now, zone, policy.calling_hours_in(zone))
    draft = outbox.NewMessage(
        customer_id=customer.id,
        kind=OUTCOME,
        to=phone,
        body=report_texts.text_report_outcome(voice, report.reference, report.outcome or ""),
        due_at=due_at,
        expires_at=due_at + timedelta(days=2),
        priority=Priority.ASKED,
        medium=TEXT,
        decent=policy.calling_hours_for(zone),
    )
    outbox.queue_message(session, draft, now)
    audit_log.record_act(
        session,
        audit_log.SYSTEM,
        AuditAct.REPORT_TELL,
        now,
        customer_id=customer.id,
        purpose="to tell what came of a report",
        detail=report.reference,
    )
