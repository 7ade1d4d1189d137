"""Records acts on callbacks in the audit log."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from scheduling.models import Callback
from vault.audit import audit_log
from vault.audit.acts import AuditAct


def record_callback_act(
    session: Session,
    callback: Callback,
    actor: audit_log.Actor,
    action: AuditAct,
    now: datetime,
    detail: str = "",
) -> None:
    """Record an act on a callback in the audit log."""
    audit_log.record_act(
        session,
        actor,
        action,
        now,
        customer_id=callback.customer_id,
        callback_id=callback.id,
        detail=detail,
    )
