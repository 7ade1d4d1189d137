"""Leases due texts to one worker at a time, within the sending limits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlmodel import Session, col, select

from messaging.dispatch.delivery_outcomes import (
    LeasedMessage,
    lock_leased_message,
    settle_message,
)
from messaging.dispatch.send_check import SendCheck, check_send_limits, defer_to_morning
from messaging.models import MessageState, OutboxMessage, Priority
from messaging.outbox import TABLE
from messaging.providers.base import MEDIA, OutboundMessage
from messaging.sending_limits import SendingLimits
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.errors import KeyUnavailable, Tampered
from vault.keys import field_encryption

LEASE = timedelta(seconds=120)
#: Literal, as in the partial index, so that prepared statements can use the index.
_OPEN = text("state IN ('queued', 'sending')")


def lease_messages(
    session: Session,
    now: datetime,
    gateway: str | Mapping[str, str],
    rules: SendingLimits,
    limit: int = 20,
) -> list[LeasedMessage]:
    """Lease due messages to the caller, by priority.

    ``gateway`` is the provider to hand them to, for all or by medium; media without one wait.

    A text whose lease has expired was left by a worker that died; it is returned as ``unknown``,
    with the gateway it was handed to. PostgreSQL skips rows that another worker has locked; SQLite
    has a single writer.
    """
    gate = SendCheck(session, rules, now)
    gateways = dict.fromkeys(MEDIA, gateway) if isinstance(gateway, str) else gateway
    leased = (
        _lease_message(session, row, gateways[row.medium], gate, now)
        for row in _list_due_messages(session, now, gateways, limit)
    )
    return [taken for taken in leased if taken]


def _list_due_messages(
    session: Session, now: datetime, media: Collection[str], limit: int
) -> list[OutboxMessage]:
    """Return due rows by priority.

    Texts that anyone can trigger come last, but get a quarter of a full batch: they delay nothing
    else and are not starved.
    """
    ours: list[OutboxMessage] = []
    for priority in Priority:
        if priority != Priority.ASKED and len(ours) < limit:
            ours += _due_by_priority(session, priority, now, media, limit - len(ours))
    room = limit - min(len(ours), limit - limit // 4)
    asked = _due_by_priority(session, Priority.ASKED, now, media, room) if room else []
    return [*ours[: limit - len(asked)], *asked]


def _due_by_priority(
    session: Session, priority: Priority, now: datetime, media: Collection[str], limit: int
) -> Sequence[OutboxMessage]:
    """Select one priority at a time, because each is a range of the index; all together are not."""
    statement = select(OutboxMessage).where(
        _OPEN,
        col(OutboxMessage.priority) == priority,
        col(OutboxMessage.due_at) <= now,
    )
    if len(media) < len(MEDIA):
        statement = statement.where(col(OutboxMessage.medium).in_(media))
    return session.exec(
        statement.order_by(col(OutboxMessage.due_at), col(OutboxMessage.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()


def _lease_message(
    session: Session, row: OutboxMessage, gateway: str, gate: SendCheck, now: datetime
) -> LeasedMessage | None:
    unknown = row.state == MessageState.SENDING or row.error == "unknown"
    if now >= row.expires_at and not unknown:
        settle_message(session, row, MessageState.EXPIRED, now)
        return None
    if defer_to_morning(session, row, now):
        return None
    try:
        letter = _decrypt_outbound_message(session, row, row.first_tried_at or now)
    except (KeyUnavailable, Tampered):
        settle_message(session, row, MessageState.FAILED, now, "cannot_be_opened")
        return None
    if row.first_tried_at is None and not check_send_limits(session, row, letter, gate, now):
        return None
    row.first_tried_at = row.first_tried_at or now
    row.state, row.tries = MessageState.SENDING, row.tries + 1
    row.due_at = now + LEASE
    row.gateway = row.gateway if unknown and row.gateway else gateway
    session.add(row)
    session.flush()
    _record_message_access(session, row, now)
    return LeasedMessage(
        row.id,
        letter,
        row.tries,
        row.due_at,
        row.expires_at,
        unknown,
        row.gateway,
        gate.needs_line_lookup(letter) and not unknown,
    )


def _record_message_access(session: Session, row: OutboxMessage, now: datetime) -> None:
    audit_log.record_act(
        session,
        audit_log.SYSTEM,
        AuditAct.TEXT_OPEN,
        now,
        customer_id=row.customer_id,
        callback_id=row.callback_id,
        purpose="to send it",
    )


def _decrypt_outbound_message(
    session: Session, row: OutboxMessage, first_tried_at: datetime
) -> OutboundMessage:
    key = field_encryption.load_data_key(session, row.customer_id)
    return OutboundMessage(
        reference=row.id,
        to=key.open_field(TABLE, "recipient", row.id, row.recipient),
        body=key.open_field(TABLE, "body", row.id, row.body),
        first_tried_at=first_tried_at,
        expires_at=row.expires_at,
        medium=row.medium,
    )


def record_failover(session: Session, taken: LeasedMessage, gateway: str) -> bool:
    """Record that a text is handed to another provider; return whether the lease is valid.

    This happens to a text of unknown outcome that the earlier provider does not have.
    """
    row = lock_leased_message(session, taken)
    if row is None:
        return False
    row.gateway = gateway
    session.add(row)
    session.flush()
    return True
