"""The outbox: texts are stored with the fact they tell (rule M1); see
:mod:`messaging.dispatch.leases`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select, update

from messaging import segments
from messaging.calling_hours import CallingHours
from messaging.models import MessageState, OutboxMessage, Priority
from storage.column_types import new_id
from vault.keys import field_encryption

TABLE = "outbox_message"
REMINDER = "reminder"
#: To the old number when a customer's number is changed.
NUMBER_CHANGED = "number"
#: That a customer's safe phrase was changed; that somebody's access exposed them.
PHRASE_CHANGED, WARNING = "phrase", "warning"
#: What warns a customer leaves however many texts their number has had: else whoever means them
#: harm would first have us send so many that the warning is one too many.
UNLIMITED_KINDS = frozenset({NUMBER_CHANGED, PHRASE_CHANGED, WARNING})


@dataclass(frozen=True)
class NewMessage:
    """A text to be sent, or spoken in a call where its ``medium`` is ``voice``. ``to`` is E.164;
    not sent before ``due_at`` nor from ``expires_at``, and where ``decent`` is given at no hour
    outside it, whatever held it up."""

    customer_id: UUID
    kind: str
    to: str
    body: str
    due_at: datetime
    expires_at: datetime
    callback_id: UUID | None = None
    priority: Priority = Priority.NOTICE
    medium: str = "text"
    decent: CallingHours | None = None


def queue_message(
    session: Session, draft: NewMessage, now: datetime, key: field_encryption.FieldKey | None = None
) -> UUID:
    """Store a text in the caller's transaction; it leaves once that has committed. ``key`` is the
    customer's, for a caller who has it in hand."""
    row = new_id()
    key = key or field_encryption.load_data_key(session, draft.customer_id)
    session.add(
        OutboxMessage(
            id=row,
            customer_id=draft.customer_id,
            callback_id=draft.callback_id,
            kind=draft.kind,
            medium=draft.medium,
            recipient=key.seal_field(TABLE, "recipient", row, draft.to),
            body=key.seal_field(TABLE, "body", row, draft.body),
            segments=segments.count_segments(draft.body),
            state=MessageState.QUEUED,
            priority=draft.priority,
            wanted_at=draft.due_at,
            due_at=draft.due_at,
            expires_at=draft.expires_at,
            created_at=now,
            decent=draft.decent.to_stored_hours() if draft.decent else None,
        )
    )
    session.flush()
    return row


def withdraw_for_callback(
    session: Session, callback_id: UUID, now: datetime, kind: str = ""
) -> None:
    """Texts about a callback that have not left yet, or those of one kind alone, tell something
    that is no longer so. One whose outcome is unknown stays, to be looked up."""
    queued: list[ColumnElement[bool]] = [
        col(OutboxMessage.callback_id) == callback_id,
        col(OutboxMessage.state) == MessageState.QUEUED,
    ]
    if kind:
        queued.append(col(OutboxMessage.kind) == kind)
    _expire_queued(session, queued, now)


def _expire_queued(session: Session, queued: Sequence[ColumnElement[bool]], now: datetime) -> None:
    session.exec(
        update(OutboxMessage)
        .where(*queued, col(OutboxMessage.error).is_distinct_from("unknown"))
        .values(state=MessageState.EXPIRED, settled_at=now)
    )
    session.exec(update(OutboxMessage).where(*queued).values(expires_at=now))


def withdraw_for_customer(session: Session, customer_id: UUID, now: datetime, *, but: str) -> None:
    """All texts to a customer that have not left yet, but those of one kind, as
    :func:`withdraw_for_callback` does with those about a callback."""
    queued = [
        col(OutboxMessage.customer_id) == customer_id,
        col(OutboxMessage.state) == MessageState.QUEUED,
        col(OutboxMessage.kind) != but,
    ]
    _expire_queued(session, queued, now)


def find_latest_message(session: Session, callback_id: UUID) -> OutboxMessage | None:
    """The latest text about a callback but for reminders, to show whether the customer has been
    told."""
    return session.exec(
        select(OutboxMessage)
        .where(
            col(OutboxMessage.callback_id) == callback_id,
            col(OutboxMessage.kind) != REMINDER,
        )
        .order_by(col(OutboxMessage.id).desc())
        .limit(1)
    ).first()
