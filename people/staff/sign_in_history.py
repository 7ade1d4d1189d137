"""The sign-in history of a member of staff, from the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlmodel import Session, col, select

from vault.audit.acts import ACTS_BY_VALUE, AuditAct
from vault.models import AuditEntry

MAX_EVENTS = 20
ACTIONS = (
    AuditAct.STAFF_SIGN_IN,
    AuditAct.STAFF_SIGN_IN_FAILED,
    AuditAct.STAFF_SIGN_OUT,
    AuditAct.STAFF_LOCKED,
    AuditAct.STAFF_PROOF,
    AuditAct.STAFF_SESSIONS_ENDED,
    AuditAct.STAFF_PASSWORD,
    AuditAct.STAFF_RECOVERY_CODES,
    AuditAct.STAFF_ENROL,
    AuditAct.STAFF_RESET_USED,
    AuditAct.PASSKEY_ADD,
    AuditAct.PASSKEY_REMOVE,
    AuditAct.PASSKEY_CLONED,
)


class SignInEvent(NamedTuple):
    """An event; ``detail`` is a fixed word, or ids."""

    at: datetime
    act: AuditAct
    detail: str


def list_sign_in_events(session: Session, staff_id: UUID) -> Sequence[SignInEvent]:
    """List the last twenty events, newest first. For failed attempts it is unknown who made
    them."""
    rows = session.exec(
        select(AuditEntry)
        .where(col(AuditEntry.staff_id) == staff_id, col(AuditEntry.action).in_(ACTIONS))
        .order_by(col(AuditEntry.id).desc())
        .limit(MAX_EVENTS)
    )
    return [SignInEvent(row.at, ACTS_BY_VALUE[row.action], row.detail) for row in rows]
