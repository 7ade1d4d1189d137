"""Approves requests as a colleague does."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from people.approvals import decisions
from people.approvals.request_types import RequestTypes
from people.approvals.states import RequestState


def approve_request(
    session: Session, kinds: RequestTypes, request_id: UUID, digest: str, by: UUID, now: datetime
) -> RequestState:
    """Approve a request that enrols nobody, so that its PIN does not matter."""
    return decisions.approve_issuing_pin(session, kinds, request_id, digest, by, now).state
