"""How a try at sending ends, written down once by whoever holds the text."""

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
    """A text in one worker's hands, at its ``turn``-th try.

    ``unknown`` says that an earlier try, over ``gateway``, had no known outcome; such a text may
    be past ``expires_at``, and is then looked up but not sent again. ``ask_line`` says to ask
    first what kind of line it goes to.
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
    """The provider has it."""
    row = lock_leased_message(session, taken)
    if row is not None:
        row.provider_id = provider_id
        settle_message(session, row, MessageState.SENT, now)


def mark_failed(session: Session, taken: LeasedMessage, error: str, now: datetime) -> None:
    """The provider will never send it."""
    row = lock_leased_message(session, taken)
    if row is not None:
        settle_message(session, row, MessageState.FAILED, now, error)


def mark_expired(session: Session, taken: LeasedMessage, now: datetime) -> None:
    """It was never sent, and by now would no longer help."""
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
    """Try again after a pause that doubles, or as long as the provider asked for.

    It ends when the text expires; one whose outcome is unknown stays until the provider says.
    """
    row = lock_leased_message(session, taken)
    if row is None:
        return
    row.state, row.error = MessageState.QUEUED, "unknown" if unknown else "unavailable"
    row.due_at = now + max(retry_delay(row.id, row.tries), rest or timedelta())
    session.add(row)
    session.flush()


def return_to_queue(session: Session, taken: LeasedMessage, now: datetime) -> None:
    """It was not tried: another worker may have it at once."""
    row = lock_leased_message(session, taken)
    if row is None:
        return
    row.state, row.due_at = MessageState.QUEUED, now
    if taken.unknown:
        row.error = "unknown"
    session.add(row)
    session.flush()


def retry_delay(message: UUID, tries: int) -> timedelta:
    """2, 4, 8 … seconds, five minutes at the most, each a quarter longer or shorter by chance, so
    that what failed together does not come back together."""
    chance = zlib.crc32(message.bytes + bytes([tries % 256])) / 2**32
    return timedelta(seconds=min(2 ** min(tries, 20), MAX_PAUSE_SECONDS) * (0.75 + chance / 2))


#: How a text can end, and the act that is written down.
OUTCOME_ACTS = {
    MessageState.SENT: AuditAct.TEXT_SENT,
    MessageState.FAILED: AuditAct.TEXT_FAILED,
    MessageState.EXPIRED: AuditAct.TEXT_EXPIRED,
}


def lock_leased_message(session: Session, taken: LeasedMessage) -> OutboxMessage | None:
    """The row, if it is still in these hands and at this turn: a worker that was held up past
    its lease has nothing to say about a text that another has taken."""
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
    """Nothing more is done with this text."""
    row.state, row.error, row.settled_at = state, error[:40] or None, now
    row.waited_ms = (now - row.wanted_at) // timedelta(milliseconds=1)
    record_message_act(session, row, OUTCOME_ACTS[state], now, error)


def record_message_act(
    session: Session, row: OutboxMessage, action: AuditAct, now: datetime, detail: str
) -> None:
    """Write down what became of a text."""
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
