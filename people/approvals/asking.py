"""Asking for something that takes two people, and taking it back."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session

from people.approvals import binding, rows
from people.approvals.kinds import About, Kind, Payload
from people.approvals.models import ApprovalRequest
from people.approvals.states import State
from people.errors import NotAllowed, NotFound
from people.models import Staff
from people.text import clean
from storage.types import new_id
from vault import audit

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
    by whoever approves. Raises ``NotAllowed`` or ``InvalidInput``."""
    reason = clean("why", why, limit=WHY_LIMIT, what="reason")
    _require_may_ask(session, kind, by)
    about = about or About()
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
        asked_by=by,
        asked_at=now,
        expires_at=now + LIVES,
    )
    binding.sealed(session, row, payload, reason)
    session.add(row)
    session.flush()
    rows.record(session, row, "approval.ask", audit.staff(by) if by else audit.OPERATOR, now)
    return row


def _require_may_ask(session: Session, kind: Kind, by: UUID | None) -> None:
    member = session.get(Staff, by) if by else None
    if not kind.by_operator if by is None else not rows.may(member, kind.asks):
        raise NotAllowed("You may not ask for this.")


def withdraw(session: Session, request_id: UUID, by: UUID | None, now: datetime) -> None:
    """Take back what one has asked for. Raises ``NotFound`` for anybody else's, or ``NoLonger``."""
    row = rows.locked(session, request_id)
    if row.asked_by != by:
        raise NotFound("There is no such request of yours.")
    rows.settle(session, row, State.WITHDRAWN, now)
    actor = audit.staff(by) if by else audit.OPERATOR
    rows.record(session, row, "approval.withdraw", actor, now)
