"""The outbox: texts are stored in the transaction of the change they announce (rule M1).

They are sent by way of :mod:`messaging.dispatch.leases`.
"""

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
#: Sent to the old number when a customer's number is changed.
NUMBER_CHANGED = "number"
#: A changed safe phrase; a warning to customers whose data was exposed.
PHRASE_CHANGED, WARNING = "phrase", "warning"
#: Warnings are exempt from number limits: otherwise an attacker could exhaust the limit first, to
#: suppress the warning.
UNLIMITED_KINDS = frozenset({NUMBER_CHANGED, PHRASE_CHANGED, WARNING})


@dataclass(frozen=True)
class NewMessage:
    """A text to be sent, or spoken in a call if ``medium`` is ``voice``.

    ``to`` is E.164. It is not sent before ``due_at``, nor from ``expires_at`` on, nor outside the
    hours ``decent`` if they are set, for any reason of delay.
    """

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
    """Store a text in the caller's transaction; it is sent after the commit.

    ``key`` is the customer's data key, if the caller has loaded it already.
    """
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
    """Withdraw queued texts about a callback, or only those of one kind.

    They are no longer true. One whose outcome is unknown remains, to be looked up.
    """
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
    """Withdraw queued texts to a customer, except those of the kind ``but``.

    Handle unknown outcomes as :func:`withdraw_for_callback` does.
    """
    queued = [
        col(OutboxMessage.customer_id) == customer_id,
        col(OutboxMessage.state) == MessageState.QUEUED,
        col(OutboxMessage.kind) != but,
    ]
    _expire_queued(session, queued, now)


def find_latest_message(session: Session, callback_id: UUID) -> OutboxMessage | None:
    """Return the latest text about a callback, except reminders.

    It shows whether the customer has been notified.
    """
    return session.exec(
        select(OutboxMessage)
        .where(
            col(OutboxMessage.callback_id) == callback_id,
            col(OutboxMessage.kind) != REMINDER,
        )
        .order_by(col(OutboxMessage.id).desc())
        .limit(1)
    ).first()
