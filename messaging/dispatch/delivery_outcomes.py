"""Outcomes of delivery attempts, recorded once by the worker that holds the lease."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from messaging.models import MessageState, OutboxMessage
from messaging.providers.base import OutboundMessage
from vault.audit import audit_log
from vault.audit.acts import AuditAct

MAX_PAUSE_SECONDS = 300


@dataclass(frozen=True)
class LeasedMessage:
    """A text leased by one worker, at its ``turn``-th try.

    ``unknown`` means that an earlier try, over ``gateway``, had an unknown outcome. Such a text may
    be past ``expires_at``; it is then looked up, but not sent again. ``ask_line`` asks for a
    look-up of the recipient's line type first.
    """

    id: UUID
    letter: OutboundMessage
    turn: int
    leased_until: datetime
    expires_at: datetime
    unknown: bool
    gateway: str
    ask_line: bool = False


def mark_sent(session: Session, taken: LeasedMessage, provider_id: str, now: datetime) -> None:
    """Record that the provider accepted the text."""
    row = lock_leased_message(session, taken)
    if row is not None:
        row.provider_id = provider_id
        settle_message(session, row, MessageState.SENT, now)


def mark_failed(session: Session, taken: LeasedMessage, error: str, now: datetime) -> None:
    """Record that the provider will never send the text."""
    row = lock_leased_message(session, taken)
    if row is not None:
        settle_message(session, row, MessageState.FAILED, now, error)


def mark_expired(session: Session, taken: LeasedMessage, now: datetime) -> None:
    """Record that the text was never sent and is too late now."""
    row = lock_leased_message(session, taken)
    if row is not None:
        settle_message(session, row, MessageState.EXPIRED, now)


def schedule_retry(
    session: Session,
    taken: LeasedMessage,
    now: datetime,
    *,
    unknown: bool,
    rest: timedelta | None = None,
) -> None:
    """Schedule a retry after a doubling pause, or the provider's requested pause if longer.

    Retries end when the text expires; one with an unknown outcome remains until it is resolved.
    """
    row = lock_leased_message(session, taken)
    if row is None:
        return
    row.state, row.error = MessageState.QUEUED, "unknown" if unknown else "unavailable"
    row.due_at = now + max(retry_delay(row.id, row.tries), rest or timedelta())
    session.add(row)
    session.flush()


def return_to_queue(session: Session, taken: LeasedMessage, now: datetime) -> None:
    """Release an untried text, so that another worker can lease it immediately."""
    row = lock_leased_message(session, taken)
    if row is None:
        return
    row.state, row.due_at = MessageState.QUEUED, now
    if taken.unknown:
        row.error = "unknown"
    session.add(row)
    session.flush()


def retry_delay(message: UUID, tries: int) -> timedelta:
    """Return 2, 4, 8 … seconds, at most five minutes, with a jitter of 25 %.

    The jitter spreads retries of texts that failed together.
    """
    chance = zlib.crc32(message.bytes + bytes([tries % 256])) / 2**32
    return timedelta(seconds=min(2 ** min(tries, 20), MAX_PAUSE_SECONDS) * (0.75 + chance / 2))


#: Final states, and the act of each in the audit log.
OUTCOME_ACTS = {
    MessageState.SENT: AuditAct.TEXT_SENT,
    MessageState.FAILED: AuditAct.TEXT_FAILED,
    MessageState.EXPIRED: AuditAct.TEXT_EXPIRED,
}


def lock_leased_message(session: Session, taken: LeasedMessage) -> OutboxMessage | None:
    """Return the locked row if this lease is still valid.

    A worker that was delayed past its lease must not record an outcome for another worker's text.
    """
    return session.exec(
        select(OutboxMessage)
        .where(
            col(OutboxMessage.id) == taken.id,
            col(OutboxMessage.state) == MessageState.SENDING,
            col(OutboxMessage.tries) == taken.turn,
        )
        .with_for_update()
    ).first()


def settle_message(
    session: Session, row: OutboxMessage, state: MessageState, now: datetime, error: str = ""
) -> None:
    """Set a final state; the text is not processed any further."""
    row.state, row.error, row.settled_at = state, error[:40] or None, now
    row.waited_ms = (now - row.wanted_at) // timedelta(milliseconds=1)
    record_message_act(session, row, OUTCOME_ACTS[state], now, error)


def record_message_act(
    session: Session, row: OutboxMessage, action: AuditAct, now: datetime, detail: str
) -> None:
    """Record an act on a text in the audit log."""
    session.add(row)
    session.flush()
    audit_log.record_act(
        session,
        audit_log.SYSTEM,
        action,
        now,
        customer_id=row.customer_id,
        callback_id=row.callback_id,
        detail=f"{row.kind} {detail}".strip(),
    )
