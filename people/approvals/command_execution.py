"""What a command does itself once it is approved: it goes on when it is run again."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from people.approvals import repository, sealed_requests
from people.approvals.approval_requests import REQUEST_LIFETIME
from people.approvals.decisions import count_valid_approvals
from people.approvals.models import ApprovalRequest
from people.approvals.request_types import ApprovalRequestView, Payload, RequestType
from people.approvals.states import OPEN_STATES, RequestState
from vault.audit import audit_log
from vault.audit.acts import AuditAct


def find_open_request(
    session: Session, kind: RequestType, payload: Payload, now: datetime
) -> ApprovalRequestView | None:
    """The open request of the command line for exactly this."""
    found = session.exec(
        select(ApprovalRequest)
        .where(
            col(ApprovalRequest.kind) == kind.name,
            col(ApprovalRequest.state).in_(OPEN_STATES),
            col(ApprovalRequest.asked_by).is_(None),
            col(ApprovalRequest.expires_at) > now,
        )
        .order_by(col(ApprovalRequest.id))
    )
    acts = (sealed_requests.open_approval_request(session, row) for row in found)
    return next((act for act in acts if act.payload == dict(payload)), None)


def begin_approved_command(
    session: Session, kind: RequestType, request_id: UUID, now: datetime
) -> bool:
    """Whether a command may go on under this request: it is approved, and each approval still
    counts. Where one does not, the request waits for another. A run that was begun in time has a
    week to come to its end."""
    row = repository.lock_approval_request(session, request_id)
    if row.state != RequestState.APPROVED or now >= row.expires_at:
        return False
    sealed_requests.open_approval_request(session, row)
    if count_valid_approvals(session, kind, row) < kind.approvals_required(row.asked_by):
        repository.move_request_state(session, row, RequestState.ASKED)
        repository.record_approval_act(session, row, AuditAct.APPROVAL_VOID, audit_log.SYSTEM, now)
        return False
    if row.begun_at is None:
        row.begun_at, row.expires_at = now, now + REQUEST_LIFETIME
        session.add(row)
        session.flush()
        repository.record_approval_act(
            session, row, AuditAct.APPROVAL_BEGIN, audit_log.OPERATOR, now
        )
    return True


def finish_approved_command(session: Session, request_id: UUID, now: datetime) -> None:
    """The command has done what was approved: the request is spent. Raises ``NoLonger``."""
    row = repository.lock_approval_request(session, request_id)
    repository.close_approval_request(session, row, RequestState.DONE, now)
    repository.record_approval_act(session, row, AuditAct.APPROVAL_DO, audit_log.OPERATOR, now)


def expire_requests(session: Session, now: datetime) -> None:
    """Mark what nobody decided on in time (a job of the worker)."""
    late = session.exec(
        select(ApprovalRequest)
        .where(col(ApprovalRequest.state).in_(OPEN_STATES), col(ApprovalRequest.expires_at) <= now)
        .limit(50)
        .with_for_update(skip_locked=True)
    )
    for row in late.all():
        repository.close_approval_request(session, row, RequestState.EXPIRED, now)
        repository.record_approval_act(
            session, row, AuditAct.APPROVAL_EXPIRE, audit_log.SYSTEM, now
        )
