"""Approved commands: a command that needs approval continues when it is run again."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from people.approvals import repository, sealed_requests
from people.approvals.approval_requests import REQUEST_LIFETIME
from people.approvals.models import ApprovalRequest
from people.approvals.request_types import ApprovalRequestView, Payload, RequestType
from people.approvals.states import OPEN_STATES, RequestState
from people.approvals.valid_approvals import count_valid_approvals
from vault.audit import audit_log
from vault.audit.acts import AuditAct


def find_open_request(
    session: Session, kind: RequestType, payload: Payload, now: datetime
) -> ApprovalRequestView | None:
    """Return the open request of the command line with exactly this payload."""
    rows = session.exec(
        select(ApprovalRequest)
        .where(
            col(ApprovalRequest.kind) == kind.name,
            col(ApprovalRequest.state).in_(OPEN_STATES),
            col(ApprovalRequest.asked_by).is_(None),
            col(ApprovalRequest.expires_at) > now,
        )
        .order_by(col(ApprovalRequest.id))
    )
    views = (sealed_requests.open_approval_request(session, row) for row in rows)
    return next((view for view in views if view.payload == dict(payload)), None)


def begin_approved_command(
    session: Session, kind: RequestType, request_id: UUID, now: datetime
) -> bool:
    """Return whether the command may run: the request is approved and enough approvals are still
    valid.

    If an approval is no longer valid, the request goes back to waiting. A run that began in time
    has a week to finish.
    """
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
    """Close the request: the command has done what was approved. Raises ``Conflict``."""
    row = repository.lock_approval_request(session, request_id)
    repository.close_approval_request(session, row, RequestState.DONE, now)
    repository.record_approval_act(session, row, AuditAct.APPROVAL_DO, audit_log.OPERATOR, now)


def expire_requests(session: Session, now: datetime) -> None:
    """Expire requests that nobody decided on in time (a job of the worker)."""
    expired = session.exec(
        select(ApprovalRequest)
        .where(col(ApprovalRequest.state).in_(OPEN_STATES), col(ApprovalRequest.expires_at) <= now)
        .limit(50)
        .with_for_update(skip_locked=True)
    )
    for row in expired.all():
        repository.close_approval_request(session, row, RequestState.EXPIRED, now)
        repository.record_approval_act(
            session, row, AuditAct.APPROVAL_EXPIRE, audit_log.SYSTEM, now
        )
