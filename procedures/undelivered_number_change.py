"""Opens a case at once when the notice of a number change cannot reach the old number (rule I4).

Nobody else speaks for the customer then. The hold of the new number has its maximum length.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from incidents.cases.creation import NewEvidence, open_or_extend_case
from incidents.cases.models import CaseEvidence, CaseKind
from messaging import line_types
from messaging.models import MessageState, OutboxMessage
from messaging.providers.base import TEXT
from people.approvals.models import ApprovalRequest
from people.approvals.states import RequestState
from people.models import Customer
from procedures import number_change, old_number_notices

EVIDENCE_KIND = "number"
_RECENT = timedelta(minutes=30)
_UNDELIVERED_STATES = (MessageState.FAILED, MessageState.EXPIRED)


def open_undelivered_cases(session: Session, now: datetime) -> None:
    """Open a case about the requester for each notice that failed recently (a job of the
    worker)."""
    lost = session.exec(
        select(OutboxMessage)
        .join(Customer, col(Customer.id) == col(OutboxMessage.customer_id))
        .where(
            col(OutboxMessage.settled_at) > now - _RECENT,
            col(OutboxMessage.state).in_(_UNDELIVERED_STATES),
            col(OutboxMessage.kind) == old_number_notices.NOTICE_KIND,
            col(Customer.erased_at).is_(None),
        )
        .limit(50)
    ).all()
    for row in lost:
        if not _is_retried_by_voice(row) and not _has_undelivered_case(session, row):
            _open_undelivered_case(session, row, now)


def _is_retried_by_voice(row: OutboxMessage) -> bool:
    return row.medium == TEXT and row.error in (line_types.LANDLINE, old_number_notices.VOICE_RETRY)


def _has_undelivered_case(session: Session, row: OutboxMessage) -> bool:
    """Return whether any case, open or closed, already has this notice as evidence."""
    kind, ref = col(CaseEvidence.kind) == EVIDENCE_KIND, col(CaseEvidence.ref) == str(row.id)
    return session.exec(select(CaseEvidence.id).where(kind, ref).limit(1)).first() is not None


def _open_undelivered_case(session: Session, row: OutboxMessage, now: datetime) -> None:
    facts = {"error": row.error or row.state}
    evidence = NewEvidence(
        EVIDENCE_KIND, str(row.id), row.settled_at or now, row.customer_id, facts
    )
    fold, asked_by = f"number:{row.customer_id}", _change_requester(session, row)
    open_or_extend_case(session, CaseKind.NUMBER, fold, [evidence], now, subjects=asked_by)


def _change_requester(session: Session, row: OutboxMessage) -> list[UUID]:
    requester_id = session.exec(
        select(ApprovalRequest.asked_by)
        .where(
            col(ApprovalRequest.customer_id) == row.customer_id,
            col(ApprovalRequest.kind) == number_change.NUMBER_CHANGE,
            col(ApprovalRequest.state) == RequestState.DONE,
            col(ApprovalRequest.settled_at) <= row.created_at,
        )
        .order_by(col(ApprovalRequest.settled_at).desc())
        .limit(1)
    ).first()
    return [requester_id] if requester_id else []
