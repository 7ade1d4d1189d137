"""What a command does itself once it is approved: it goes on when it is run again."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from people.approvals import repository, sealed_requests
from people.approvals.approval_requests import LIVES
from people.approvals.decisions import standing
from people.approvals.models import ApprovalRequest
from people.approvals.request_types import Act, Kind, Payload
from people.approvals.states import OPEN, State
from vault.audit import audit_log
from vault.audit.acts import AuditAct


def open_same(session: Session, kind: Kind, payload: Payload, now: datetime) -> Act | None:
    """The open request of the command line for exactly this."""
    found = session.exec(
        select(ApprovalRequest)
        .where(
            col(ApprovalRequest.kind) == kind.name,
            col(ApprovalRequest.state).in_(OPEN),
            col(ApprovalRequest.asked_by).is_(None),
            col(ApprovalRequest.expires_at) > now,
        )
        .order_by(col(ApprovalRequest.id))
    )
    acts = (sealed_requests.opened(session, row) for row in found)
    return next((act for act in acts if act.payload == dict(payload)), None)


def begin(session: Session, kind: Kind, request_id: UUID, now: datetime) -> bool:
    """Whether a command may go on under this request: it is approved, and each approval still
    counts. Where one does not, the request waits for another. A run that was begun in time has a
    week to come to its end."""
    row = repository.locked(session, request_id)
    if row.state != State.APPROVED or now >= row.expires_at:
        return False
    sealed_requests.opened(session, row)
    if standing(session, kind, row) < kind.needed(row.asked_by):
        repository.move(session, row, State.ASKED)
        repository.record(session, row, AuditAct.APPROVAL_VOID, audit_log.SYSTEM, now)
        return False
    if row.begun_at is None:
        row.begun_at, row.expires_at = now, now + LIVES
        session.add(row)
        session.flush()
        repository.record(session, row, AuditAct.APPROVAL_BEGIN, audit_log.OPERATOR, now)
    return True


def finish(session: Session, request_id: UUID, now: datetime) -> None:
    """The command has done what was approved: the request is spent. Raises ``NoLonger``."""
    row = repository.locked(session, request_id)
    repository.settle(session, row, State.DONE, now)
    repository.record(session, row, AuditAct.APPROVAL_DO, audit_log.OPERATOR, now)


def expire(session: Session, now: datetime) -> None:
    """Mark what nobody decided on in time (a job of the worker)."""
    late = session.exec(
        select(ApprovalRequest)
        .where(col(ApprovalRequest.state).in_(OPEN), col(ApprovalRequest.expires_at) <= now)
        .limit(50)
        .with_for_update(skip_locked=True)
    )
    for row in late.all():
        repository.settle(session, row, State.EXPIRED, now)
        repository.record(session, row, AuditAct.APPROVAL_EXPIRE, audit_log.SYSTEM, now)
