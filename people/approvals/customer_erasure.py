"""Erases the contents of approval requests about an erased customer."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, update

from people.approvals.models import ApprovalRequest
from people.approvals.states import RequestState


def clear_customer_requests(session: Session, customers: Collection[UUID], now: datetime) -> None:
    """Empty every request about these customers; withdraw those that wait for approval."""
    about = col(ApprovalRequest.customer_id).in_(customers)
    session.exec(
        update(ApprovalRequest)
        .where(about, col(ApprovalRequest.state) == RequestState.ASKED)
        .values(state=RequestState.WITHDRAWN, settled_at=now)
    )
    session.exec(update(ApprovalRequest).where(about).values(payload=b"", reason=b""))
