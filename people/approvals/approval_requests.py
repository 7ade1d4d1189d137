"""Submits and withdraws requests that need a second person."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from sqlmodel import Session, col, select

from people.approvals import repository, request_visibility, sealed_requests
from people.approvals.models import ApprovalRequest
from people.approvals.request_types import Payload, RequestSubject, RequestType, RequestTypes
from people.approvals.states import OPEN_STATES, RequestState
from people.error_codes import PeopleErrorCode
from people.errors import AlreadyRequested, NotAllowed, NotFound
from people.models import Staff
from people.text_input import AllowedContent, clean_text_input, require_meaningful_reason
from storage import advisory_lock
from storage.column_types import new_id
from vault.audit import audit_log
from vault.audit.acts import AuditAct

REQUEST_LIFETIME = timedelta(days=7)
REASON_LIMIT = 300


def submit_for_approval(
    session: Session,
    kind: RequestType,
    payload: Payload,
    why: str,
    by: UUID | None,
    now: datetime,
    *,
    about: RequestSubject | None = None,
) -> ApprovalRequest:
    """Submit a request; ``by`` is a member of staff, or ``None`` for the command line.

    Approvers read ``why``. Raises ``NotAllowed``, ``InvalidInput``, or ``AlreadyRequested``.
    """
    reason = clean_text_input("why", why, limit=REASON_LIMIT, allowed=AllowedContent.ANYTHING)
    require_meaningful_reason("why", reason)
    _require_requester_role(session, kind, by)
    about = about or RequestSubject()
    _require_not_pending(session, kind, payload, about, by, now)
    row = ApprovalRequest(
        id=new_id(),
        kind=kind.name,
        state=RequestState.ASKED,
        payload=b"",
        reason=b"",
        digest="",
        customer_id=about.customer_id,
        callback_id=about.callback_id,
        staff_id=about.staff_id,
        case_id=about.case_id,
        asked_by=by,
        asked_at=now,
        expires_at=now + REQUEST_LIFETIME,
    )
    sealed_requests.seal_approval_request(session, row, payload, reason)
    session.add(row)
    session.flush()
    repository.record_approval_act(
        session,
        row,
        AuditAct.APPROVAL_ASK,
        audit_log.staff_actor(by) if by else audit_log.OPERATOR,
        now,
    )
    return row


def _require_not_pending(
    session: Session,
    kind: RequestType,
    payload: Payload,
    about: RequestSubject,
    by: UUID | None,
    now: datetime,
) -> None:
    """Raise ``AlreadyRequested`` if the same request is pending, so that a form sent twice submits
    once.

    Takes an advisory lock, so that simultaneous requests of a kind wait. Requests that are hidden
    from the requester do not count.
    """
    if kind.same is None:
        return
    advisory_lock.acquire_lock(session, sha256(f"approval {kind.name}".encode()).digest())
    waiting = session.exec(
        select(ApprovalRequest).where(
            col(ApprovalRequest.kind) == kind.name,
            col(ApprovalRequest.state).in_(OPEN_STATES),
            col(ApprovalRequest.expires_at) > now,
            col(ApprovalRequest.customer_id) == about.customer_id,
            col(ApprovalRequest.staff_id) == about.staff_id,
        )
    )
    wanted = [payload.get(name) for name in kind.same]
    for row in waiting:
        pending = sealed_requests.open_approval_request(session, row).payload
        hidden = by is not None and request_visibility.is_hidden_from(session, kind, row, by)
        same = [pending.get(name) for name in kind.same] == wanted
        if same and not hidden and _may_requester_still_ask(session, kind, row):
            raise AlreadyRequested(PeopleErrorCode.ALREADY_REQUESTED)


def _may_requester_still_ask(session: Session, kind: RequestType, row: ApprovalRequest) -> bool:
    """Return whether the requester may still make this request."""
    requester = session.get(Staff, row.asked_by) if row.asked_by else None
    return row.asked_by is None or repository.is_active_in_role(requester, kind.asks)


def _require_requester_role(session: Session, kind: RequestType, by: UUID | None) -> None:
    member = session.get(Staff, by) if by else None
    if not kind.by_operator if by is None else not repository.is_active_in_role(member, kind.asks):
        raise NotAllowed(PeopleErrorCode.REQUEST_NOT_YOURS_TO_MAKE)


def withdraw_approval_request(
    session: Session,
    request_id: UUID,
    by: UUID | None,
    now: datetime,
    *,
    kinds: RequestTypes | None = None,
) -> None:
    """Withdraw one's own request. For a member of staff, ``kinds`` decides whether it is hidden
    from them.

    Raises ``NotFound`` if it is hidden or somebody else's, or ``Conflict``.
    """
    row = repository.lock_approval_request(session, request_id)
    if row.asked_by != by:
        raise NotFound(PeopleErrorCode.REQUEST_NOT_YOURS)
    kind = (kinds or {}).get(row.kind)
    if by is not None and kind is not None:
        request_visibility.require_visible_request(
            session, kind, row, by, PeopleErrorCode.REQUEST_NOT_YOURS
        )
    repository.close_approval_request(session, row, RequestState.WITHDRAWN, now)
    actor = audit_log.staff_actor(by) if by else audit_log.OPERATOR
    repository.record_approval_act(session, row, AuditAct.APPROVAL_WITHDRAW, actor, now)
