"""Due texts into one worker's hands, for a time, within what the rules allow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cached_property

from sqlalchemy import func, text
from sqlmodel import Session, col, select

from messaging import lines, optouts, spending
from messaging.gateways.base import VOICE, Letter
from messaging.models import MessageState, OutboxMessage, Priority
from messaging.outbox import TABLE
from messaging.rules import Rules, country_allowed
from messaging.settling import Leased, end, held, tell
from vault import audit, fields
from vault.errors import KeyUnavailable, Tampered

LEASE = timedelta(seconds=120)
#: Spelt as in the index, so that a prepared statement can use it whatever it is asked for.
_OPEN = text("state IN ('queued', 'sending')")


def lease(
    session: Session, now: datetime, gateway: str, rules: Rules, limit: int = 20
) -> list[Leased]:
    """Take due texts into the caller's hands until their lease ends, the urgent ones first.

    A text still in somebody's hands when its lease ends was left by a worker that died; it comes
    back marked ``unknown``, with the gateway that it was handed to. On PostgreSQL rows another
    worker holds are skipped; SQLite has one writer at a time.
    """
    gate = _Gate(session, rules, now)
    found = (_take(session, row, gateway, gate, now) for row in _due(session, now, limit))
    return [taken for taken in found if taken]


def _due(session: Session, now: datetime, limit: int) -> Iterator[OutboxMessage]:
    """Each priority by itself is a range of the index; together they would not be."""
    for priority in Priority:
        if limit > 0:
            rows = session.exec(
                select(OutboxMessage)
                .where(
                    _OPEN,
                    col(OutboxMessage.priority) == priority,
                    col(OutboxMessage.due_at) <= now,
                )
                .order_by(col(OutboxMessage.due_at), col(OutboxMessage.id))
                .limit(limit)
                .with_for_update(skip_locked=True)
            ).all()
            limit -= len(rows)
            yield from rows


class _Gate:
    """What stands between a due text and its sending."""

    def __init__(self, session: Session, rules: Rules, now: datetime) -> None:
        self.session, self.rules, self.now = session, rules, now

    @cached_property
    def purse(self) -> spending.Purse:
        return spending.purse(self.session, self.rules, self.now)

    def refusal(self, row: OutboxMessage, letter: Letter) -> str | None:
        """Why this text will never be sent."""
        if not country_allowed(letter.to, self.rules.countries):
            return "country_not_enabled"
        if letter.medium == VOICE:
            return "too_many" if self._too_many(row) else None
        if optouts.is_out(self.session, letter.to):
            return "opted_out"
        if lines.known(self.session, letter.to, self.now) == lines.LANDLINE:
            return lines.LANDLINE
        return "too_many" if self._too_many(row) else None

    def asks_line(self, letter: Letter) -> bool:
        """Whether to ask what kind of line this is, which nobody has of late."""
        return (
            letter.medium != VOICE
            and self.rules.look_up_lines
            and lines.known(self.session, letter.to, self.now) is None
        )

    def _too_many(self, row: OutboxMessage) -> bool:
        return any(
            self._tried_since(row, self.now - limit.within) >= limit.most
            for limit in self.rules.per_number
        )

    def _tried_since(self, row: OutboxMessage, since: datetime) -> int:
        return self.session.exec(
            select(func.count())
            .select_from(OutboxMessage)
            .where(
                col(OutboxMessage.customer_id) == row.customer_id,
                col(OutboxMessage.first_tried_at) > since,
                col(OutboxMessage.id) != row.id,
            )
        ).one()

    def affordable(self, row: OutboxMessage) -> bool:
        text = row.segments * self.rules.segment_price
        price = self.rules.call_price if row.medium == VOICE else text
        return self.purse.take(price, answer=row.priority == Priority.ANSWER)


def _take(
    session: Session, row: OutboxMessage, gateway: str, gate: _Gate, now: datetime
) -> Leased | None:
    unknown = row.state == MessageState.SENDING or row.error == "unknown"
    if now >= row.expires_at and not unknown:
        end(session, row, MessageState.EXPIRED, now)
        return None
    try:
        letter = _letter(session, row, row.first_tried_at or now)
    except (KeyUnavailable, Tampered):
        end(session, row, MessageState.FAILED, now, "cannot_be_opened")
        return None
    if row.first_tried_at is None and not _may_leave(session, row, letter, gate, now):
        return None
    row.first_tried_at = row.first_tried_at or now
    row.state, row.tries = MessageState.SENDING, row.tries + 1
    row.due_at = now + LEASE
    row.gateway = row.gateway if unknown and row.gateway else gateway
    session.add(row)
    session.flush()
    _record_opening(session, row, now)
    return Leased(
        row.id,
        letter,
        row.tries,
        row.due_at,
        row.expires_at,
        unknown,
        row.gateway,
        gate.asks_line(letter) and not unknown,
    )


def _may_leave(
    session: Session, row: OutboxMessage, letter: Letter, gate: _Gate, now: datetime
) -> bool:
    """Whether the rules let it go; settles it for good, or for the next hour, when not."""
    refusal = gate.refusal(row, letter)
    if refusal:
        end(session, row, MessageState.FAILED, now, refusal)
        return False
    if not gate.affordable(row):
        row.due_at, row.error = spending.next_hour(now), "ceiling"
        tell(session, row, "text.held", now, "the ceiling on spending is reached")
        return False
    return True


def _record_opening(session: Session, row: OutboxMessage, now: datetime) -> None:
    audit.record(
        session,
        audit.SYSTEM,
        "text.open",
        now,
        customer_id=row.customer_id,
        callback_id=row.callback_id,
        purpose="to send it",
    )


def _letter(session: Session, row: OutboxMessage, first_tried_at: datetime) -> Letter:
    key = fields.data_key(session, row.customer_id)
    return Letter(
        reference=row.id,
        to=key.open(TABLE, "recipient", row.id, row.recipient),
        body=key.open(TABLE, "body", row.id, row.body),
        first_tried_at=first_tried_at,
        expires_at=row.expires_at,
        medium=row.medium,
    )


def hand_over(session: Session, taken: Leased, gateway: str) -> bool:
    """Note that a text found at no provider is handed to another one; whether it is still ours."""
    row = held(session, taken)
    if row is None:
        return False
    row.gateway = gateway
    session.add(row)
    session.flush()
    return True
