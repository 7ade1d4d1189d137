"""The outbox: texts are stored with the fact they tell, leased to one worker, settled once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, or_
from sqlmodel import Session, col, select, update

from messaging.gateways.base import Letter
from messaging.models import MessageState, OutboxMessage
from storage.types import new_id
from vault import audit, fields
from vault.errors import KeyUnavailable, Tampered

LEASE = timedelta(seconds=120)
MAX_TRIES = 8
_TABLE = "outbox_message"


@dataclass(frozen=True)
class Draft:
    """A text to be sent. ``to`` is E.164; not sent before ``due_at`` nor from ``expires_at``."""

    customer_id: UUID
    kind: str
    to: str
    body: str
    due_at: datetime
    expires_at: datetime
    callback_id: UUID | None = None


def put(session: Session, draft: Draft, now: datetime) -> UUID:
    """Store a text in the caller's transaction; it leaves once that has committed."""
    row = new_id()
    key = fields.data_key(session, draft.customer_id)
    session.add(
        OutboxMessage(
            id=row,
            customer_id=draft.customer_id,
            callback_id=draft.callback_id,
            kind=draft.kind,
            recipient=key.seal(_TABLE, "recipient", row, draft.to),
            body=key.seal(_TABLE, "body", row, draft.body),
            state=MessageState.QUEUED,
            due_at=draft.due_at,
            expires_at=draft.expires_at,
            created_at=now,
        )
    )
    session.flush()
    return row


@dataclass(frozen=True)
class Leased:
    """A text in one worker's hands, at its ``turn``-th try.

    ``unknown`` says that an earlier try had no known outcome; such a text may be past
    ``expires_at``, and is then looked up but not sent again.
    """

    id: UUID
    letter: Letter
    turn: int
    leased_until: datetime
    expires_at: datetime
    unknown: bool


def lease(session: Session, now: datetime, limit: int = 20) -> list[Leased]:
    """Take due texts into the caller's hands until their lease ends.

    A text still in somebody's hands when its lease ends was left by a worker that died; it comes
    back marked ``unknown``. On PostgreSQL rows another worker holds are skipped; SQLite has one
    writer at a time.
    """
    waiting = (col(OutboxMessage.state) == MessageState.QUEUED) & (col(OutboxMessage.due_at) <= now)
    left = (col(OutboxMessage.state) == MessageState.SENDING) & (
        col(OutboxMessage.leased_until) <= now
    )
    rows = session.exec(
        select(OutboxMessage)
        .where(col(OutboxMessage.state).in_(("queued", "sending")), or_(waiting, left))
        .order_by(col(OutboxMessage.due_at), col(OutboxMessage.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    return [taken for row in rows if (taken := _take(session, row, now))]


def _take(session: Session, row: OutboxMessage, now: datetime) -> Leased | None:
    unknown = row.state == MessageState.SENDING or row.error == "unknown"
    session.add(row)
    if now >= row.expires_at and not unknown:
        row.state = MessageState.EXPIRED
        audit.record(session, audit.SYSTEM, "text.expired", now, customer_id=row.customer_id)
        return None
    row.first_tried_at = row.first_tried_at or now
    try:
        letter = _letter(session, row, row.first_tried_at)
    except (KeyUnavailable, Tampered):
        row.state, row.error = MessageState.FAILED, "cannot_be_opened"
        _told(session, row, "text.failed", now, row.error)
        return None
    row.state = MessageState.SENDING
    row.leased_until = now + LEASE
    row.tries += 1
    audit.record(
        session,
        audit.SYSTEM,
        "text.open",
        now,
        customer_id=row.customer_id,
        callback_id=row.callback_id,
        purpose="to send it",
    )
    return Leased(row.id, letter, row.tries, row.leased_until, row.expires_at, unknown)


def _letter(session: Session, row: OutboxMessage, first_tried_at: datetime) -> Letter:
    key = fields.data_key(session, row.customer_id)
    return Letter(
        reference=row.id,
        to=key.open(_TABLE, "recipient", row.id, row.recipient),
        body=key.open(_TABLE, "body", row.id, row.body),
        first_tried_at=first_tried_at,
    )


def settle_sent(session: Session, taken: Leased, provider_id: str, now: datetime) -> None:
    """The provider has it."""
    row = _held(session, taken)
    if row is not None:
        row.state, row.provider_id, row.error = MessageState.SENT, provider_id, None
        row.sent_at, row.leased_until = now, None
        _told(session, row, "text.sent", now)


def settle_failed(session: Session, taken: Leased, error: str, now: datetime) -> None:
    """The provider will never send it."""
    row = _held(session, taken)
    if row is not None:
        row.state, row.error, row.leased_until = MessageState.FAILED, error[:40], None
        _told(session, row, "text.failed", now, error)


def settle_expired(session: Session, taken: Leased, now: datetime) -> None:
    """It was never sent, and by now would no longer help."""
    row = _held(session, taken)
    if row is not None:
        row.state, row.leased_until = MessageState.EXPIRED, None
        _told(session, row, "text.expired", now)


def settle_later(session: Session, taken: Leased, now: datetime, *, unknown: bool) -> None:
    """Try again after a pause that doubles; for good no more after :data:`MAX_TRIES`.

    A text whose outcome is unknown is never given up unseen: it stays until the provider says.
    """
    row = _held(session, taken)
    if row is None:
        return
    if row.tries >= MAX_TRIES and not unknown:
        settle_failed(session, taken, "gave_up", now)
        return
    row.state, row.leased_until = MessageState.QUEUED, None
    row.error = "unknown" if unknown else "unavailable"
    row.due_at = now + timedelta(seconds=min(2**row.tries, 300))
    session.add(row)
    session.flush()


def _held(session: Session, taken: Leased) -> OutboxMessage | None:
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


def _told(
    session: Session, row: OutboxMessage, action: str, now: datetime, detail: str = ""
) -> None:
    session.add(row)
    session.flush()
    audit.record(
        session,
        audit.SYSTEM,
        action,
        now,
        customer_id=row.customer_id,
        callback_id=row.callback_id,
        detail=f"{row.kind} {detail}".strip(),
    )


def withdraw(session: Session, callback_id: UUID) -> None:
    """Texts about a callback that have not left yet tell something that is no longer so."""
    session.exec(
        update(OutboxMessage)
        .where(
            col(OutboxMessage.callback_id) == callback_id,
            col(OutboxMessage.state) == MessageState.QUEUED,
        )
        .values(state=MessageState.EXPIRED)
    )


@dataclass(frozen=True)
class Backlog:
    """How the outbox stands: texts waiting, texts failed, and the oldest due one's age."""

    waiting: int
    failed: int
    oldest_seconds: float


def backlog(session: Session, now: datetime) -> Backlog:
    """Counts for the metrics."""
    state: ColumnElement[str] = cast("ColumnElement[str]", col(OutboxMessage.state))
    open_states = state.in_(("queued", "sending"))
    waiting, failed, oldest = session.exec(
        select(
            func.coalesce(func.sum(case((open_states, 1), else_=0)), 0),
            func.coalesce(func.sum(case((state == MessageState.FAILED, 1), else_=0)), 0),
            func.min(case((open_states, col(OutboxMessage.due_at)))),
        )
    ).one()
    age = max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
    return Backlog(int(waiting), int(failed), age)


def latest_for(session: Session, callback_id: UUID) -> OutboxMessage | None:
    """The latest text about a callback, to show whether the customer has been told."""
    return session.exec(
        select(OutboxMessage)
        .where(col(OutboxMessage.callback_id) == callback_id)
        .order_by(col(OutboxMessage.id).desc())
        .limit(1)
    ).first()
