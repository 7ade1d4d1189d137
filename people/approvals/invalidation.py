"""What can come to nothing any more waits for nobody: it is void, and says why."""

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

#: Whoever asked may not ask any more.
REQUESTER = "asker"
BATCH_SIZE = 200


def void_unexecutable_requests(session: Session, kinds: RequestTypes, now: datetime) -> None:
    """Mark what could not be done if it were approved; what somebody has in hand just now is left
    to them."""
    waiting = session.exec(
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
    for row in waiting:
        why = _find_invalid_reason(session, kinds[row.kind], row)
        if why:
            row.void_why = why
            repository.close_approval_request(session, row, RequestState.VOID, now)
            repository.record_approval_act(
                session, row, AuditAct.APPROVAL_VOID, audit_log.SYSTEM, now
            )


def _find_invalid_reason(session: Session, kind: RequestType, row: ApprovalRequest) -> str:
    asker = session.get(Staff, row.asked_by) if row.asked_by else None
    if row.asked_by is not None:
        may = repository.is_active_in_role(asker, kind.asks)
        if not may or request_visibility.is_hidden_from(session, kind, row, row.asked_by):
            return REQUESTER
    return (
        kind.hopeless(session, sealed_requests.open_approval_request(session, row))
        if kind.hopeless
        else ""
    )
