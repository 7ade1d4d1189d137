"""Due texts into one worker's hands, for a time, within what the rules allow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property

from sqlalchemy import text
from sqlmodel import Session, col, select

from messaging import calling_hours, line_types, opt_outs, spending
from messaging.dispatch.delivery_outcomes import Leased, end, held, tell
from messaging.message_kinds import ANYBODY, purse_of
from messaging.models import MessageState, OutboxMessage, Priority
from messaging.outbox import TABLE, WARNS
from messaging.providers.base import VOICE, Letter
from messaging.sending_limits import Limit, Rules, country_allowed
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.errors import KeyUnavailable, Tampered
from vault.keys import field_encryption

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


def _due(session: Session, now: datetime, limit: int) -> list[OutboxMessage]:
    """The due rows, the urgent first. What anybody can set off comes last and, where there is more
    than one round can take, has a quarter of it: it holds up nothing, and is not starved."""
    ours: list[OutboxMessage] = []
    for priority in Priority:
        if priority != Priority.ASKED and len(ours) < limit:
            ours += _of_priority(session, priority, now, limit - len(ours))
    room = limit - min(len(ours), limit - limit // 4)
    asked = _of_priority(session, Priority.ASKED, now, room) if room else []
    return [*ours[: limit - len(asked)], *asked]


def _of_priority(
    session: Session, priority: Priority, now: datetime, limit: int
) -> Sequence[OutboxMessage]:
    """Each priority by itself is a range of the index; together they would not be."""
    return session.exec(
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


class _Gate:
    """What stands between a due text and its sending."""

    def __init__(self, session: Session, rules: Rules, now: datetime) -> None:
        self.session, self.rules, self.now = session, rules, now

    @cached_property
    def purse(self) -> spending.Purse:
        return spending.purse(self.session, self.rules, self.now)

    def refusal(self, letter: Letter) -> str | None:
        """Why this text will never be sent."""
        if not country_allowed(letter.to, self.rules.countries):
            return "country_not_enabled"
        if letter.medium != VOICE:
            if opt_outs.is_out(self.session, letter.to):
                return "opted_out"
            if line_types.known(self.session, letter.to, self.now) == line_types.LANDLINE:
                return line_types.LANDLINE
        return None

    def asks_line(self, letter: Letter) -> bool:
        """Whether to ask what kind of line this is, which nobody has of late."""
        return (
            letter.medium != VOICE
            and self.rules.look_up_lines
            and line_types.known(self.session, letter.to, self.now) is None
        )

    def full_until(self, row: OutboxMessage) -> datetime | None:
        """Until when this number has had its fill, unless the text warns its holder. What anybody
        can set off is counted apart, so that it uses up nothing of the rest (rule M5)."""
        if row.kind in WARNS:
            return None
        asked = row.kind in ANYBODY
        limits = self.rules.asked_per_number if asked else self.rules.per_number
        return max(filter(None, (self._full(row, each) for each in limits)), default=None)

    def _full(self, row: OutboxMessage, limit: Limit) -> datetime | None:
        """When the earliest of the last texts that fill this limit is out of it."""
        if limit.most == 0:
            return row.expires_at
        alike = col(OutboxMessage.kind).in_(ANYBODY)
        earliest = self.session.exec(
            select(OutboxMessage.first_tried_at)
            .where(
                alike if row.kind in ANYBODY else ~alike,
                col(OutboxMessage.customer_id) == row.customer_id,
                col(OutboxMessage.first_tried_at) > self.now - limit.within,
                col(OutboxMessage.id) != row.id,
            )
            .order_by(col(OutboxMessage.first_tried_at).desc())
            .offset(limit.most - 1)
            .limit(1)
        ).first()
        return earliest + limit.within if earliest else None

    def affordable(self, row: OutboxMessage) -> bool:
        text = row.segments * self.rules.segment_price
        price = self.rules.call_price if row.medium == VOICE else text
        return self.purse.take(
            price, answer=row.priority == Priority.ANSWER, purse=purse_of(row.kind)
        )


def _take(
    session: Session, row: OutboxMessage, gateway: str, gate: _Gate, now: datetime
) -> Leased | None:
    unknown = row.state == MessageState.SENDING or row.error == "unknown"
    if now >= row.expires_at and not unknown:
        end(session, row, MessageState.EXPIRED, now)
        return None
    if _sleeps(session, row, now):
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


def _sleeps(session: Session, row: OutboxMessage, now: datetime) -> bool:
    """Whether it is night where the customer lives: what was held up by a limit, by the ceiling or
    by the provider waits for the morning then, like what is due at night (rule M4)."""
    morning = calling_hours.read(row.decent).next(now) if row.decent else now
    if morning <= now:
        return False
    row.due_at = morning
    tell(session, row, AuditAct.TEXT_HELD, now, "night where the customer lives")
    return True


def _may_leave(
    session: Session, row: OutboxMessage, letter: Letter, gate: _Gate, now: datetime
) -> bool:
    """Whether the rules let it go; settles it for good, or for a while, when not."""
    refusal = gate.refusal(letter)
    if refusal:
        end(session, row, MessageState.FAILED, now, refusal)
        return False
    full_until = gate.full_until(row)
    if full_until is not None:
        _hold(session, row, full_until, now)
        return False
    if not gate.affordable(row):
        row.due_at, row.error = spending.next_hour(now), "ceiling"
        tell(session, row, AuditAct.TEXT_HELD, now, "the ceiling on spending is reached")
        return False
    return True


def _hold(session: Session, row: OutboxMessage, until: datetime, now: datetime) -> None:
    """A number has had its fill: an answer is dropped, or whoever floods us would be texted for
    hours, and so is what would come too late; what the customer has to know waits."""
    if row.priority == Priority.ANSWER or until >= row.expires_at:
        end(session, row, MessageState.FAILED, now, "too_many")
        return
    row.due_at, row.error = until, "too_many"
    tell(session, row, AuditAct.TEXT_HELD, now, "too many to one number")


def _record_opening(session: Session, row: OutboxMessage, now: datetime) -> None:
    audit_log.record(
        session,
        audit_log.SYSTEM,
        AuditAct.TEXT_OPEN,
        now,
        customer_id=row.customer_id,
        callback_id=row.callback_id,
        purpose="to send it",
    )


def _letter(session: Session, row: OutboxMessage, first_tried_at: datetime) -> Letter:
    key = field_encryption.data_key(session, row.customer_id)
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
