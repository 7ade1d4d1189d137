"""Whoever reported a call and wanted to know is told what came of it, once, by text.

Only to the number that was reported, and only where it is a customer's: anybody can type a
stranger's number into a form, and we text nobody whom we do not know. A report of a number that is
no customer's yet waits for it to become one.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from incidents.reports.models import Report
from messaging import line_types, outbox, text_templates
from messaging.message_kinds import OUTCOME
from messaging.models import Priority
from messaging.providers.base import TEXT
from people.customers import customer_records
from people.errors import InvalidInput
from people.models import Customer
from scheduling import quiet
from scheduling.notifications import callback_notifier
from scheduling.policy import Policy
from vault.audit import audit_log
from vault.audit.acts import AuditAct

KEPT = timedelta(days=90)
AT_A_TIME = 50


def tell_outcome(session: Session, report: Report, words_key: str, now: datetime) -> None:
    """Note what a reporter is to be told: one of :data:`wording.OUTCOMES`. The worker queues the
    text if they wanted it; the first outcome is the one they are told. Raises ``InvalidInput``."""
    if words_key not in text_templates.OUTCOMES:
        raise InvalidInput("words_key", f"Choose one of: {', '.join(text_templates.OUTCOMES)}.")
    if not report.tell_outcome or report.outcome is not None:
        return
    report.outcome = words_key
    session.add(report)
    session.flush()
    audit_log.record(
        session,
        audit_log.SYSTEM,
        AuditAct.REPORT_OUTCOME,
        now,
        customer_id=report.customer_id,
        detail=f"{report.reference} {words_key}",
    )


def tell(session: Session, policy: Policy, now: datetime) -> None:
    """Queue the texts that are due (a job of the worker), at a decent hour where each lives."""
    rows = session.exec(
        select(Report, Customer)
        .join(Customer, col(Customer.phone_index) == col(Report.phone_index))
        .where(
            col(Report.outcome).is_not(None),
            col(Report.told_at).is_(None),
            col(Report.at) > now - KEPT,
            col(Customer.erased_at).is_(None),
        )
        .order_by(col(Report.id))
        .limit(AT_A_TIME)
        .with_for_update(of=Report, skip_locked=True)
    ).all()
    for report, customer in rows:
        _queue(session, report, customer, policy, now)


def _queue(
    session: Session, report: Report, customer: Customer, policy: Policy, now: datetime
) -> None:
    report.told_at = now
    session.add(report)
    phone = customer_records.opened(session, customer).phone
    if line_types.known(session, phone, now) == line_types.LANDLINE:
        return  # a call out of the blue is what they reported
    voice = callback_notifier.voice_of(session, customer, policy, now)
    zone = customer.timezone
    due_at = quiet.until_decent(now, zone, policy.decent_in(zone))
    draft = outbox.Draft(
        customer_id=customer.id,
        kind=OUTCOME,
        to=phone,
        body=text_templates.outcome(voice, report.reference, report.outcome or ""),
        due_at=due_at,
        expires_at=due_at + timedelta(days=2),
        priority=Priority.ASKED,
        medium=TEXT,
        decent=policy.decent(zone),
    )
    outbox.put(session, draft, now)
    audit_log.record(
        session,
        audit_log.SYSTEM,
        AuditAct.REPORT_TELL,
        now,
        customer_id=customer.id,
        purpose="to tell what came of a report",
        detail=report.reference,
    )
