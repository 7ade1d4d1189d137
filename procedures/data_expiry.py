"""Expiry of the tables that strangers can grow: a job of the worker.

tests/security_rules/abuse/test_growth.py lists these tables, and says why the others need no job.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, delete, exists, select, update

from incidents.access_history.models import Objection
from incidents.cases.models import CaseEvidence, GroupedReport
from incidents.reports.models import Report, SignalRecord
from messaging.models import InboundText
from people.models import NumberProof

#: Page numbers are valid for minutes, and counted for at most a day.
PROOF_RETENTION = timedelta(days=7)
#: A text's id is kept forever, so that a replay changes nothing (rule M2); its sender is not.
SENDER_RETENTION = timedelta(days=90)
#: Leaks are traced over 180 days, and reports may be about calls up to a year old.
SIGNAL_RETENTION = timedelta(days=400)
BATCH_SIZE = 500
INTERVAL = timedelta(hours=1)


class DataExpiryJob:
    """Removes a batch of each kind per run, and pauses for an hour once nothing is left."""

    def __init__(self) -> None:
        self._rests_until: datetime | None = None
        self._reports_after: UUID | None = None

    def __call__(self, session: Session, now: datetime) -> None:
        if self._rests_until is not None and now < self._rests_until:
            return
        removed = delete_old_number_proofs(session, now) + clear_old_text_senders(session, now)
        removed += delete_old_signals(session, now)
        self._reports_after = delete_old_reports(session, now, self._reports_after)
        done = not removed and self._reports_after is None
        self._rests_until = now + INTERVAL if done else None

    @property
    def __name__(self) -> str:
        return "growth"


def delete_old_number_proofs(session: Session, now: datetime) -> int:
    """Delete a batch of expired page numbers and return how many were deleted."""
    old = select(NumberProof.id).where(col(NumberProof.made_at) < now - PROOF_RETENTION)
    gone = delete(NumberProof).where(col(NumberProof.id).in_(old.limit(BATCH_SIZE)))
    return session.exec(gone).rowcount


def clear_old_text_senders(session: Session, now: datetime) -> int:
    """Clear the senders of a batch of old inbound texts and return how many were cleared."""
    old = select(InboundText.provider_id).where(
        col(InboundText.received_at) < now - SENDER_RETENTION, col(InboundText.sender_index) != b""
    )
    forgotten = update(InboundText).where(
        col(InboundText.provider_id).in_(old.limit(BATCH_SIZE)),
        col(InboundText.sender_index) != b"",
    )
    return session.exec(forgotten.values(sender_index=b"")).rowcount


def delete_old_signals(session: Session, now: datetime) -> int:
    """Delete a batch of old signals that belong to no customer and no report; return how many."""
    old = select(SignalRecord.id).where(
        col(SignalRecord.at) < now - SIGNAL_RETENTION,
        col(SignalRecord.customer_id).is_(None),
        col(SignalRecord.report_id).is_(None),
    )
    gone = delete(SignalRecord).where(col(SignalRecord.id).in_(old.limit(BATCH_SIZE)))
    return session.exec(gone).rowcount


def delete_old_reports(session: Session, now: datetime, after: UUID | None) -> UUID | None:
    """Delete old reports of numbers that belong to no customer and that are evidence in no case.

    Looks at one batch with ids after ``after``. Returns the last id of the batch, or ``None`` at
    the end.
    """
    statement = select(Report.id).where(
        col(Report.at) < now - SIGNAL_RETENTION,
        col(Report.customer_id).is_(None),
        ~exists().where(
            col(GroupedReport.report_id) == col(Report.id), col(GroupedReport.case_id).is_not(None)
        ),
        ~exists().where(col(Objection.report_id) == col(Report.id)),
    )
    if after is not None:
        statement = statement.where(col(Report.id) > after)
    report_ids = session.exec(statement.order_by(col(Report.id)).limit(BATCH_SIZE)).all()
    used = session.exec(
        select(CaseEvidence.ref).where(
            col(CaseEvidence.kind) == "report",
            col(CaseEvidence.ref).in_([str(i) for i in report_ids]),
        )
    ).all()
    gone = [report_id for report_id in report_ids if str(report_id) not in set(used)]
    session.exec(delete(SignalRecord).where(col(SignalRecord.report_id).in_(gone)))
    session.exec(delete(GroupedReport).where(col(GroupedReport.report_id).in_(gone)))
    session.exec(delete(Report).where(col(Report.id).in_(gone)))
    return report_ids[-1] if len(report_ids) == BATCH_SIZE else None
