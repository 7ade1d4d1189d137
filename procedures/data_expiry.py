"""What strangers make grow, and how long it is kept: a job of the worker.

Which tables those are, and why others need no job, says tests/security_rules/abuse/test_growth.py.
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

#: Page numbers are good for minutes, and counted over a day at the most.
PROOF_RETENTION = timedelta(days=7)
#: A text's id stays for ever, so that a replay changes nothing (rule M2); its sender does not.
SENDER_RETENTION = timedelta(days=90)
#: Leaks are traced over 180 days, and reports tell of calls of a year.
SIGNAL_RETENTION = timedelta(days=400)
BATCH_SIZE = 500
INTERVAL = timedelta(hours=1)


class DataExpiryJob:
    """Removes some of each kind, and looks again in an hour once nothing was left."""

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
    """Drop page numbers that count no more; how many."""
    old = select(NumberProof.id).where(col(NumberProof.made_at) < now - PROOF_RETENTION)
    gone = delete(NumberProof).where(col(NumberProof.id).in_(old.limit(BATCH_SIZE)))
    return session.exec(gone).rowcount


def clear_old_text_senders(session: Session, now: datetime) -> int:
    """Forget who sent texts long ago; of how many."""
    old = select(InboundText.provider_id).where(
        col(InboundText.received_at) < now - SENDER_RETENTION, col(InboundText.sender_index) != b""
    )
    forgotten = update(InboundText).where(
        col(InboundText.provider_id).in_(old.limit(BATCH_SIZE)),
        col(InboundText.sender_index) != b"",
    )
    return session.exec(forgotten.values(sender_index=b"")).rowcount


def delete_old_signals(session: Session, now: datetime) -> int:
    """Drop old signs about numbers that are no customer's, and that nobody reported; how many."""
    old = select(SignalRecord.id).where(
        col(SignalRecord.at) < now - SIGNAL_RETENTION,
        col(SignalRecord.customer_id).is_(None),
        col(SignalRecord.report_id).is_(None),
    )
    gone = delete(SignalRecord).where(col(SignalRecord.id).in_(old.limit(BATCH_SIZE)))
    return session.exec(gone).rowcount


def delete_old_reports(session: Session, now: datetime, after: UUID | None) -> UUID | None:
    """Drop old reports from numbers that are no customer's and that no case rests on; the last that
    was looked at, and none at the end."""
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
    found = session.exec(statement.order_by(col(Report.id)).limit(BATCH_SIZE)).all()
    used = session.exec(
        select(CaseEvidence.ref).where(
            col(CaseEvidence.kind) == "report", col(CaseEvidence.ref).in_([str(i) for i in found])
        )
    ).all()
    gone = [item for item in found if str(item) not in set(used)]
    session.exec(delete(SignalRecord).where(col(SignalRecord.report_id).in_(gone)))
    session.exec(delete(GroupedReport).where(col(GroupedReport.report_id).in_(gone)))
    session.exec(delete(Report).where(col(Report.id).in_(gone)))
    return found[-1] if len(found) == BATCH_SIZE else None
