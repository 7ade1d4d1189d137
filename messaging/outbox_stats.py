"""Outbox statistics and stuck messages, for metrics and operators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, case, func, or_, text
from sqlmodel import Session, col, select

from messaging.models import MessageState, OutboxMessage
from vault.audit import audit_log
from vault.audit.acts import AuditAct

PROMPT_WITHIN = timedelta(seconds=10)
_STATS_PERIOD = timedelta(hours=1)
_STUCK_AFTER = timedelta(minutes=5)
_OPEN = text("state IN ('queued', 'sending')")


@dataclass(frozen=True)
class OutboxStats:
    """Outbox figures.

    ``waiting`` counts unsent texts, ``due`` those of them that are due; ``oldest_seconds`` is the
    age of the oldest due one. For the last hour: texts sent, those sent within ten seconds of their
    time, and failures by reason.
    """

    waiting: int
    due: int
    oldest_seconds: float
    sent: int
    sent_soon: int
    failures: dict[str, int]


def measure_outbox(session: Session, now: datetime) -> OutboxStats:
    """Return the current figures."""
    is_due = col(OutboxMessage.due_at) <= now
    waiting, due, oldest = session.exec(
        select(
            func.count(),
            func.coalesce(func.sum(case((is_due, 1), else_=0)), 0),
            func.min(case((is_due, col(OutboxMessage.wanted_at)))),
        ).where(_OPEN)
    ).one()
    lately = col(OutboxMessage.settled_at) > now - _STATS_PERIOD
    quick = col(OutboxMessage.waited_ms) <= PROMPT_WITHIN // timedelta(milliseconds=1)
    sent, soon = session.exec(
        select(func.count(), func.coalesce(func.sum(case((quick, 1), else_=0)), 0)).where(
            lately, col(OutboxMessage.state) == MessageState.SENT
        )
    ).one()
    failures = session.exec(
        select(col(OutboxMessage.error), func.count())
        .where(lately, col(OutboxMessage.state) == MessageState.FAILED)
        .group_by(col(OutboxMessage.error))
    ).all()
    age = max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
    return OutboxStats(
        int(waiting), int(due), age, int(sent), int(soon), {str(k): n for k, n in failures}
    )


def list_stuck_messages(
    session: Session, now: datetime, limit: int = 200
) -> Sequence[OutboxMessage]:
    """Return recently failed texts that have not expired, and due texts that are not being sent."""
    failed = and_(
        col(OutboxMessage.state) == MessageState.FAILED,
        col(OutboxMessage.settled_at) > now - timedelta(days=7),
        col(OutboxMessage.expires_at) > now,
    )
    late = and_(_OPEN, col(OutboxMessage.wanted_at) <= now - _STUCK_AFTER)
    return session.exec(
        select(OutboxMessage)
        .where(or_(failed, late))
        .order_by(col(OutboxMessage.wanted_at), col(OutboxMessage.id))
        .limit(limit)
    ).all()


def retry_message(session: Session, message: UUID, now: datetime) -> bool:
    """Make a stuck text due immediately; one with an unknown outcome is looked up first.

    Return whether there was anything to retry: not if it was sent, is leased, or has expired.
    """
    row = session.get(OutboxMessage, message, with_for_update=True, populate_existing=True)
    if row is None or row.state not in (MessageState.FAILED, MessageState.QUEUED):
        return False
    if row.expires_at <= now and row.error != "unknown":
        return False
    if row.state == MessageState.FAILED:
        row.state, row.error, row.tries = MessageState.QUEUED, None, 0
        row.settled_at = row.waited_ms = row.first_tried_at = None
    row.due_at = min(row.due_at, now)
    session.add(row)
    session.flush()
    audit_log.record_act(
        session,
        audit_log.SYSTEM,
        AuditAct.TEXT_RETRY,
        now,
        customer_id=row.customer_id,
        callback_id=row.callback_id,
    )
    return True
