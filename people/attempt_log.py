"""Failed tries of strangers, in the audit log: some are kept, and the others cost as much.

Anybody can try, and as often as they like, so not each try makes an entry. But what is known only
from whether an entry is written, the time of an answer must not tell.
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
    """What is written of a try: who acted, the act, a fixed word, and which customer's it was."""

    actor: audit_log.Actor
    action: AuditAct
    detail: str = ""
    customer_id: UUID | None = None


def write_attempt_entry(
    session: Session, entry: AttemptEntry, now: datetime, *, kept: bool
) -> None:
    """Write the entry, and take it back unless it is to be ``kept``."""
    with session.begin_nested() as written:
        audit_log.record_act(
            session,
            entry.actor,
            entry.action,
            now,
            customer_id=entry.customer_id,
            detail=entry.detail,
        )
        if not kept:
            written.rollback()
