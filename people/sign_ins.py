"""What happened about somebody's own sign-in, as the audit log has it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlmodel import Session, col, select

from vault.models import AuditEntry

SHOWN = 20
ACTIONS = (
    "staff.sign_in",
    "staff.sign_in_failed",
    "staff.sign_out",
    "staff.locked",
    "staff.proof",
    "staff.sessions_ended",
    "staff.password",
    "staff.recovery_codes",
    "staff.enrol",
    "staff.reset_used",
    "passkey.add",
    "passkey.remove",
    "passkey.cloned",
)


class Event(NamedTuple):
    """One of them; ``detail`` is a fixed word, or ids."""

    at: datetime
    action: str
    detail: str


def latest(session: Session, staff_id: UUID) -> Sequence[Event]:
    """The last twenty, newest first. Of failed tries it cannot say who made them."""
    rows = session.exec(
        select(AuditEntry)
        .where(col(AuditEntry.staff_id) == staff_id, col(AuditEntry.action).in_(ACTIONS))
        .order_by(col(AuditEntry.id).desc())
        .limit(SHOWN)
    )
    return [Event(row.at, row.action, row.detail) for row in rows]
