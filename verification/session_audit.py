"""Records an agent's acts in a call in the audit log."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from scheduling.models import Callback
from vault.audit import audit_log
from vault.audit.acts import AuditAct


def record_session_act(
    session: Session, callback: Callback, action: AuditAct, now: datetime, detail: str = ""
) -> None:
    """Record an act of the callback's agent during the call."""
    audit_log.record_act(
        session,
        audit_log.staff_actor(callback.agent_id),
        action,
        now,
        customer_id=callback.customer_id,
        callback_id=callback.id,
        purpose="in the call",
        detail=detail,
    )
