"""Audit entries for failed attempts: only some are kept, and the others cost the same time.

Anybody can make attempts, as often as they like, so not every attempt is recorded. Whether an entry
was written must not show in the time of the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from vault.audit import audit_log
from vault.audit.acts import AuditAct


@dataclass(frozen=True)
class AttemptEntry:
    """The audit entry of an attempt: the actor, the act, a fixed word, and the customer it was
    about."""

    actor: audit_log.Actor
    action: AuditAct
    detail: str = ""
    customer_id: UUID | None = None


def write_attempt_entry(
    session: Session, entry: AttemptEntry, now: datetime, *, kept: bool
) -> None:
    """Write the entry; roll it back unless ``kept``."""
    with session.begin_nested() as savepoint:
        audit_log.record_act(
            session,
            entry.actor,
            entry.action,
            now,
            customer_id=entry.customer_id,
            detail=entry.detail,
        )
        if not kept:
            savepoint.rollback()
