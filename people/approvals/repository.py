"""Locks, updates and audits approval requests."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from people.approvals import pins, sealed_requests
from people.approvals.models import ApprovalRequest, ApprovalVote
from people.approvals.states import RequestState, require_request_move
from people.error_codes import PeopleErrorCode
from people.errors import Conflict, NotFound
from people.models import Customer, Role, Staff
from vault.audit import audit_log
from vault.audit.acts import AuditAct


def lock_approval_request(session: Session, request_id: UUID) -> ApprovalRequest:
    """Lock a request and the customer it is about until the transaction ends.

    The customer is locked before any staff, the order in which bookings lock them. Raises
    ``NotFound``.
    """
    request = session.exec(
        select(ApprovalRequest)
        .where(col(ApprovalRequest.id) == request_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if request is None:
        raise NotFound(PeopleErrorCode.REQUEST_NOT_FOUND)
    if request.customer_id is not None:
        customer = select(Customer.id).where(col(Customer.id) == request.customer_id)
        session.exec(customer.with_for_update(key_share=True))
    return request


def list_votes(session: Session, row: ApprovalRequest) -> list[ApprovalVote]:
    """List the votes on a request, earliest first."""
    return list(
        session.exec(
            select(ApprovalVote)
            .where(col(ApprovalVote.request_id) == row.id)
            .order_by(col(ApprovalVote.id))
        )
    )


def lock_staff_members(session: Session, ids: Iterable[UUID | None]) -> dict[UUID, Staff]:
    """Load members of staff and lock them until the transaction ends.

    Locks them all at once and in order of their ids: two transactions that lock in opposite orders
    would deadlock.
    """
    wanted = {id_ for id_ in ids if id_ is not None}
    rows = session.exec(
        select(Staff)
        .where(col(Staff.id).in_(wanted))
        .order_by(col(Staff.id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {item.id: item for item in rows}


def is_active_in_role(member: Staff | None, roles: Collection[Role]) -> bool:
    """Return whether the member of staff is active and in one of these roles."""
    return member is not None and member.active and Role(member.role) in roles


def require_not_expired(row: ApprovalRequest, now: datetime) -> None:
    """Raise ``Conflict`` for an expired request, whether or not it is marked so."""
    if now >= row.expires_at:
        require_request_move(RequestState.EXPIRED, RequestState.APPROVED)


def require_same_digest(row: ApprovalRequest, digest: str) -> None:
    """Raise ``Conflict`` unless this is the version that the approver read."""
    if row.digest != digest:
        raise Conflict(PeopleErrorCode.REQUEST_CHANGED)


def move_request_state(session: Session, row: ApprovalRequest, state: RequestState) -> None:
    """Move to another state. Raises ``Conflict`` for a move that is not in the table."""
    require_request_move(RequestState(row.state), state)
    row.state = state
    session.add(row)
    session.flush()


def close_approval_request(
    session: Session, row: ApprovalRequest, state: RequestState, now: datetime
) -> None:
    """Close a request: delete its payload and PINs, keep its digest."""
    move_request_state(session, row, state)
    row.payload, row.settled_at = b"", now
    pins.delete_request_pins(session, row.id)
    session.add(row)
    session.flush()


def record_approval_act(
    session: Session, row: ApprovalRequest, action: AuditAct, actor: audit_log.Actor, now: datetime
) -> None:
    """Audit an act on a request, by its id and digest."""
    audit_log.record_act(
        session,
        actor,
        action,
        now,
        customer_id=row.customer_id,
        callback_id=row.callback_id,
        purpose=row.kind,
        detail=sealed_requests.request_audit_detail(row),
    )
