"""Voids requests that can no longer be executed, and records why."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from people.approvals import repository, request_visibility, sealed_requests
from people.approvals.models import ApprovalRequest
from people.approvals.request_types import RequestType, RequestTypes
from people.approvals.states import RequestState
from people.models import Staff
from vault.audit import audit_log
from vault.audit.acts import AuditAct

#: The requester may no longer make this request.
REQUESTER = "asker"
BATCH_SIZE = 200


def void_unexecutable_requests(session: Session, kinds: RequestTypes, now: datetime) -> None:
    """Void requests that could not be executed if they were approved; skips rows locked by
    others."""
    rows = session.exec(
        select(ApprovalRequest)
        .where(
            col(ApprovalRequest.state) == RequestState.ASKED,
            col(ApprovalRequest.kind).in_(list(kinds)),
            col(ApprovalRequest.expires_at) > now,
        )
        .order_by(col(ApprovalRequest.id))
        .limit(BATCH_SIZE)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    for row in rows:
        why = _find_invalid_reason(session, kinds[row.kind], row)
        if why:
            row.void_why = why
            repository.close_approval_request(session, row, RequestState.VOID, now)
            repository.record_approval_act(
                session, row, AuditAct.APPROVAL_VOID, audit_log.SYSTEM, now
            )


def _find_invalid_reason(session: Session, kind: RequestType, row: ApprovalRequest) -> str:
    requester = session.get(Staff, row.asked_by) if row.asked_by else None
    if row.asked_by is not None:
        may = repository.is_active_in_role(requester, kind.asks)
        if not may or request_visibility.is_hidden_from(session, kind, row, row.asked_by):
            return REQUESTER
    return (
        kind.hopeless(session, sealed_requests.open_approval_request(session, row))
        if kind.hopeless
        else ""
    )
