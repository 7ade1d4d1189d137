"""Requests as rows: locked, moved from state to state, and written down."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from people.approvals import pins, sealed_requests
from people.approvals.models import ApprovalRequest, ApprovalVote
from people.approvals.states import State, require_move
from people.errors import NoLonger, NotFound
from people.models import Customer, Role, Staff
from vault.audit import audit_log
from vault.audit.acts import AuditAct


def locked(session: Session, request_id: UUID) -> ApprovalRequest:
    """A request, kept from changing until the transaction ends, and whom it is about: the customer
    before any staff, as whoever books locks them. Raises ``NotFound``."""
    found = session.exec(
        select(ApprovalRequest)
        .where(col(ApprovalRequest.id) == request_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if found is None:
        raise NotFound("There is no such request.")
    if found.customer_id is not None:
        whom = select(Customer.id).where(col(Customer.id) == found.customer_id)
        session.exec(whom.with_for_update(key_share=True))
    return found


def votes(session: Session, row: ApprovalRequest) -> list[ApprovalVote]:
    """What has been said to it, earliest first."""
    return list(
        session.exec(
            select(ApprovalVote)
            .where(col(ApprovalVote.request_id) == row.id)
            .order_by(col(ApprovalVote.id))
        )
    )


def people(session: Session, ids: Iterable[UUID | None]) -> dict[UUID, Staff]:
    """Members of staff as they are now, kept so until the transaction ends. All at once and in
    order of their ids: two that lock in opposite orders would wait for each other."""
    wanted = {each for each in ids if each is not None}
    found = session.exec(
        select(Staff)
        .where(col(Staff.id).in_(wanted))
        .order_by(col(Staff.id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {each.id: each for each in found}


def may(member: Staff | None, roles: Collection[Role]) -> bool:
    """Whether somebody is at work here in one of these roles."""
    return member is not None and member.active and Role(member.role) in roles


def require_young(row: ApprovalRequest, now: datetime) -> None:
    """Raise ``NoLonger`` for a request whose time is over, whether or not it is marked so."""
    if now >= row.expires_at:
        require_move(State.EXPIRED, State.APPROVED)


def require_unchanged(row: ApprovalRequest, digest: str) -> None:
    """Raise ``NoLonger`` unless this is what somebody read before they said yes."""
    if row.digest != digest:
        raise NoLonger("This is not what you read. Open the page again, and read it anew.")


def move(session: Session, row: ApprovalRequest, state: State) -> None:
    """Raises ``NoLonger`` for a move that is not in the table."""
    require_move(State(row.state), state)
    row.state = state
    session.add(row)
    session.flush()


def settle(session: Session, row: ApprovalRequest, state: State, now: datetime) -> None:
    """Bring it to its end: what it said is gone, its fingerprint stays."""
    move(session, row, state)
    row.payload, row.settled_at = b"", now
    pins.forget(session, row.id)
    session.add(row)
    session.flush()


def record(
    session: Session, row: ApprovalRequest, action: AuditAct, actor: audit_log.Actor, now: datetime
) -> None:
    """Write down what was done with a request, by its id and fingerprint."""
    audit_log.record(
        session,
        actor,
        action,
        now,
        customer_id=row.customer_id,
        callback_id=row.callback_id,
        purpose=row.kind,
        detail=sealed_requests.detail(row),
    )
