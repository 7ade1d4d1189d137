"""Spoken messages: what to say to the person who answers the recipient's phone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from messaging.models import OutboxMessage
from messaging.outbox import TABLE
from messaging.providers.base import VOICE
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import field_encryption


@dataclass(frozen=True)
class VoiceMessage:
    """A message to be spoken, with its customer and callback."""

    id: UUID
    kind: str
    body: str
    customer_id: UUID
    callback_id: UUID | None


def open_voice_message(
    session: Session, message_id: UUID, to: str, now: datetime
) -> VoiceMessage | None:
    """Return the message with that id for the phone that was called (E.164), and log the access.

    Return ``None`` for another phone, and once the message has expired.
    """
    row = session.get(OutboxMessage, message_id)
    if row is None or row.medium != VOICE or now >= row.expires_at:
        return None
    key = field_encryption.load_data_key(session, row.customer_id)
    if key.open_field(TABLE, "recipient", row.id, row.recipient) != to:
        return None
    audit_log.record_act(
        session,
        audit_log.PROVIDER,
        AuditAct.TEXT_OPEN,
        now,
        customer_id=row.customer_id,
        callback_id=row.callback_id,
        purpose="to say it",
    )
    return VoiceMessage(
        row.id,
        row.kind,
        key.open_field(TABLE, "body", row.id, row.body),
        row.customer_id,
        row.callback_id,
    )
