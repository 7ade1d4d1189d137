"""Visibility of requests: a request that is hidden from somebody does not exist for them (rule I5).

Every list, count and decision goes through here. The request type decides which requests are hidden
(:attr:`~people.approvals.request_types.RequestType.closed_to`).
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ColumnElement, and_, not_, or_
from sqlmodel import Session, col, select, true

from config.domain_errors import ErrorCode
from people.approvals import repository, sealed_requests
from people.approvals.models import ApprovalRequest
from people.approvals.request_types import HiddenCondition, RequestType, RequestTypes
from people.error_codes import PeopleErrorCode
from people.errors import NotFound
from people.models import Staff


def visible_to_reader(kinds: RequestTypes, reader: UUID) -> ColumnElement[bool]:
    """Return the condition that a row is not hidden from the reader."""
    names: dict[HiddenCondition, list[str]] = {}
    for kind in kinds.values():
        if kind.closed_to is not None:
            names.setdefault(kind.closed_to, []).append(kind.name)
    closed = [
        and_(col(ApprovalRequest.kind).in_(some), closed_to(reader))
        for closed_to, some in names.items()
    ]
    return not_(or_(*closed)) if closed else true()


def is_hidden_from(session: Session, kind: RequestType, row: ApprovalRequest, reader: UUID) -> bool:
    """Return whether this request is currently hidden from the reader."""
    if kind.closed_to is None:
        return False
    query = select(ApprovalRequest.id).where(
        col(ApprovalRequest.id) == row.id, kind.closed_to(reader)
    )
    return session.exec(query).first() is not None


def require_visible_request(
    session: Session,
    kind: RequestType,
    row: ApprovalRequest,
    reader: UUID,
    code: ErrorCode = PeopleErrorCode.REQUEST_NOT_FOUND,
) -> None:
    """Raise ``NotFound`` if a locked request is hidden from the reader. Its visibility cannot
    change until the transaction ends."""
    if kind.hold is not None and row.payload:
        kind.hold(session, sealed_requests.open_approval_request(session, row))
    if is_hidden_from(session, kind, row, reader):
        raise NotFound(code)


def has_enough_approvers(
    session: Session, kind: RequestType, row: ApprovalRequest, given: int
) -> bool:
    """Return whether enough active members of staff may still approve this, beside the ``given``
    approvals."""
    deciders = {vote.staff_id for vote in repository.list_votes(session, row)}
    candidates = session.exec(
        select(Staff.id).where(col(Staff.active).is_(True), col(Staff.role).in_(kind.approves))
    )
    lacking = kind.approvals_required(row.asked_by) - given
    for candidate in set(candidates) - deciders - {row.asked_by, row.staff_id}:
        lacking -= not is_hidden_from(session, kind, row, candidate)
        if lacking <= 0:
            return True
    return lacking <= 0
