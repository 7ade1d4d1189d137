"""What can come to nothing any more waits for nobody: it is void, and says why."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from people.approvals import repository, request_visibility, sealed_requests
from people.approvals.models import ApprovalRequest
from people.approvals.request_types import Kind, Kinds
from people.approvals.states import State
from people.models import Staff
from vault.audit import audit_log
from vault.audit.acts import AuditAct

#: Whoever asked may not ask any more.
ASKER = "asker"
AT_A_TIME = 200


def sweep(session: Session, kinds: Kinds, now: datetime) -> None:
    """Mark what could not be done if it were approved; what somebody has in hand just now is left
    to them."""
    waiting = session.exec(
        select(ApprovalRequest)
        .where(
            col(ApprovalRequest.state) == State.ASKED,
            col(ApprovalRequest.kind).in_(list(kinds)),
            col(ApprovalRequest.expires_at) > now,
        )
        .order_by(col(ApprovalRequest.id))
        .limit(AT_A_TIME)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    for row in waiting:
        why = _why(session, kinds[row.kind], row)
        if why:
            row.void_why = why
            repository.settle(session, row, State.VOID, now)
            repository.record(session, row, AuditAct.APPROVAL_VOID, audit_log.SYSTEM, now)


def _why(session: Session, kind: Kind, row: ApprovalRequest) -> str:
    asker = session.get(Staff, row.asked_by) if row.asked_by else None
    if row.asked_by is not None:
        may = repository.may(asker, kind.asks)
        if not may or request_visibility.is_closed(session, kind, row, row.asked_by):
            return ASKER
    return kind.hopeless(session, sealed_requests.opened(session, row)) if kind.hopeless else ""
