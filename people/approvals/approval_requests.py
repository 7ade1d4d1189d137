"""Asking for something that takes two people, and taking it back."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from sqlmodel import Session, col, select

from people.approvals import repository, request_visibility, sealed_requests
from people.approvals.models import ApprovalRequest
from people.approvals.request_types import About, Kind, Kinds, Payload
from people.approvals.states import OPEN, State
from people.errors import AskedAlready, NotAllowed, NotFound
from people.models import Staff
from people.text_input import Allowed, clean, require_reason
from storage import advisory_lock
from storage.column_types import new_id
from vault.audit import audit_log
from vault.audit.acts import AuditAct

LIVES = timedelta(days=7)
WHY_LIMIT = 300


def ask(
    session: Session,
    kind: Kind,
    payload: Payload,
    why: str,
    by: UUID | None,
    now: datetime,
    *,
    about: About | None = None,
) -> ApprovalRequest:
    """Ask for something; ``by`` is a member of staff, or none for the command line. ``why`` is read
    by whoever approves. Raises ``NotAllowed``, ``InvalidInput``, or ``AskedAlready``."""
    reason = clean("why", why, limit=WHY_LIMIT, what="reason", allowed=Allowed.ANYTHING)
    require_reason("why", reason)
    _require_may_ask(session, kind, by)
    about = about or About()
    _require_new(session, kind, payload, about, by, now)
    row = ApprovalRequest(
        id=new_id(),
        kind=kind.name,
        state=State.ASKED,
        payload=b"",
        reason=b"",
        digest="",
        customer_id=about.customer_id,
        callback_id=about.callback_id,
        staff_id=about.staff_id,
        case_id=about.case_id,
        asked_by=by,
        asked_at=now,
        expires_at=now + LIVES,
    )
    sealed_requests.sealed(session, row, payload, reason)
    session.add(row)
    session.flush()
    repository.record(
        session, row, AuditAct.APPROVAL_ASK, audit_log.staff(by) if by else audit_log.OPERATOR, now
    )
    return row


def _require_new(
    session: Session, kind: Kind, payload: Payload, about: About, by: UUID | None, now: datetime
) -> None:
    """A form that is sent twice asks once. Whoever asks for the same at this moment waits their
    turn. A request that is closed to the asker does not count."""
    if kind.same is None:
        return
    advisory_lock.take(session, sha256(f"approval {kind.name}".encode()).digest())
    waiting = session.exec(
        select(ApprovalRequest).where(
            col(ApprovalRequest.kind) == kind.name,
            col(ApprovalRequest.state).in_(OPEN),
            col(ApprovalRequest.expires_at) > now,
            col(ApprovalRequest.customer_id) == about.customer_id,
            col(ApprovalRequest.staff_id) == about.staff_id,
        )
    )
    wanted = [payload.get(name) for name in kind.same]
    for row in waiting:
        known = sealed_requests.opened(session, row).payload
        hidden = by is not None and request_visibility.is_closed(session, kind, row, by)
        same = [known.get(name) for name in kind.same] == wanted
        if same and not hidden and _counts(session, kind, row):
            raise AskedAlready("This is asked for already. It waits for approval.")


def _counts(session: Session, kind: Kind, row: ApprovalRequest) -> bool:
    """Whether whoever asked may still ask."""
    asker = session.get(Staff, row.asked_by) if row.asked_by else None
    return row.asked_by is None or repository.may(asker, kind.asks)


def _require_may_ask(session: Session, kind: Kind, by: UUID | None) -> None:
    member = session.get(Staff, by) if by else None
    if not kind.by_operator if by is None else not repository.may(member, kind.asks):
        raise NotAllowed("You may not ask for this.")


def withdraw(
    session: Session,
    request_id: UUID,
    by: UUID | None,
    now: datetime,
    *,
    kinds: Kinds | None = None,
) -> None:
    """Take back what one has asked for; of a member of staff by the table of ``kinds``, which says
    what is closed to them. Raises ``NotFound`` for that and for anybody else's, or ``NoLonger``."""
    row, none_such = repository.locked(session, request_id), "There is no such request of yours."
    if row.asked_by != by:
        raise NotFound(none_such)
    kind = (kinds or {}).get(row.kind)
    if by is not None and kind is not None:
        request_visibility.require_open(session, kind, row, by, none_such)
    repository.settle(session, row, State.WITHDRAWN, now)
    actor = audit_log.staff(by) if by else audit_log.OPERATOR
    repository.record(session, row, AuditAct.APPROVAL_WITHDRAW, actor, now)
