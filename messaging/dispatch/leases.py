"""Leases due texts to one worker at a time, within the sending limits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property

from sqlalchemy import text
from sqlmodel import Session, col, select

from messaging import calling_hours, line_types, opt_outs, spending
from messaging.dispatch.delivery_outcomes import (
    LeasedMessage,
    lock_leased_message,
    record_message_act,
    settle_message,
)
from messaging.message_kinds import ANYONE_CAN_TRIGGER, spending_budget_for
from messaging.models import MessageState, OutboxMessage, Priority
from messaging.outbox import TABLE, UNLIMITED_KINDS
from messaging.providers.base import MEDIA, VOICE, OutboundMessage
from messaging.sending_limits import NumberLimit, SendingLimits, is_country_allowed
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
    gate = _SendCheck(session, rules, now)
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


class _SendCheck:
    """The checks between a due text and its sending."""

    def __init__(self, session: Session, rules: SendingLimits, now: datetime) -> None:
        self.session, self.rules, self.now = session, rules, now

    @cached_property
    def purse(self) -> spending.SpendingBudget:
        return spending.lock_spending_budget(self.session, self.rules, self.now)

    def refusal_reason(self, letter: OutboundMessage) -> str | None:
        """Return why this text may never be sent, or ``None``."""
        if not is_country_allowed(letter.to, self.rules.countries):
            return "country_not_enabled"
        if letter.medium != VOICE:
            if opt_outs.is_opted_out(self.session, letter.to):
                return "opted_out"
            if line_types.find_line_type(self.session, letter.to, self.now) == line_types.LANDLINE:
                return line_types.LANDLINE
        return None

    def needs_line_lookup(self, letter: OutboundMessage) -> bool:
        """Return whether to look up the line type, which is not known from a recent look-up."""
        return (
            letter.medium != VOICE
            and self.rules.line_type_lookup
            and line_types.find_line_type(self.session, letter.to, self.now) is None
        )

    def number_full_until(self, row: OutboxMessage) -> datetime | None:
        """Return until when the number's limits are exhausted, or ``None``; warnings are exempt.

        Texts that anyone can trigger have their own limits, and use up none of the others (rule
        M5).
        """
        if row.kind in UNLIMITED_KINDS:
            return None
        asked = row.kind in ANYONE_CAN_TRIGGER
        limits = self.rules.asked_per_number if asked else self.rules.per_number
        return max(
            filter(None, (self._limit_full_until(row, limit) for limit in limits)), default=None
        )

    def _limit_full_until(self, row: OutboxMessage, limit: NumberLimit) -> datetime | None:
        """Return when the oldest of the texts that exhaust this limit drops out of its period."""
        if limit.most == 0:
            return row.expires_at
        alike = col(OutboxMessage.kind).in_(ANYONE_CAN_TRIGGER)
        earliest = self.session.exec(
            select(OutboxMessage.first_tried_at)
            .where(
                alike if row.kind in ANYONE_CAN_TRIGGER else ~alike,
                col(OutboxMessage.customer_id) == row.customer_id,
                col(OutboxMessage.first_tried_at) > self.now - limit.within,
                col(OutboxMessage.id) != row.id,
            )
            .order_by(col(OutboxMessage.first_tried_at).desc())
            .offset(limit.most - 1)
            .limit(1)
        ).first()
        return earliest + limit.within if earliest else None

    def spend_for_message(self, row: OutboxMessage) -> bool:
        text = row.segments * self.rules.segment_price
        price = self.rules.call_price if row.medium == VOICE else text
        return self.purse.try_spend(
            price, answer=row.priority == Priority.ANSWER, purse=spending_budget_for(row.kind)
        )


def _lease_message(
    session: Session, row: OutboxMessage, gateway: str, gate: _SendCheck, now: datetime
) -> LeasedMessage | None:
    unknown = row.state == MessageState.SENDING or row.error == "unknown"
    if now >= row.expires_at and not unknown:
        settle_message(session, row, MessageState.EXPIRED, now)
        return None
    if _defer_to_morning(session, row, now):
        return None
    try:
        letter = _decrypt_outbound_message(session, row, row.first_tried_at or now)
    except (KeyUnavailable, Tampered):
        settle_message(session, row, MessageState.FAILED, now, "cannot_be_opened")
        return None
    if row.first_tried_at is None and not _check_send_limits(session, row, letter, gate, now):
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


def _defer_to_morning(session: Session, row: OutboxMessage, now: datetime) -> bool:
    """Defer a text if it is night in the customer's zone; return whether it was deferred.

    This covers texts that a limit, the spending limit or the provider delayed into the night
    (rule M4).
    """
    morning = calling_hours.parse_calling_hours(row.decent).next_allowed(now) if row.decent else now
    if morning <= now:
        return False
    row.due_at = morning
    record_message_act(session, row, AuditAct.TEXT_HELD, now, "night where the customer lives")
    return True


def _check_send_limits(
    session: Session, row: OutboxMessage, letter: OutboundMessage, gate: _SendCheck, now: datetime
) -> bool:
    """Return whether the limits allow sending; if not, settle or defer the text."""
    refusal = gate.refusal_reason(letter)
    if refusal:
        settle_message(session, row, MessageState.FAILED, now, refusal)
        return False
    full_until = gate.number_full_until(row)
    if full_until is not None:
        _hold_for_number_limit(session, row, full_until, now)
        return False
    if not gate.spend_for_message(row):
        row.due_at, row.error = spending.next_spending_hour(now), "ceiling"
        record_message_act(
            session, row, AuditAct.TEXT_HELD, now, "the ceiling on spending is reached"
        )
        return False
    return True


def _hold_for_number_limit(
    session: Session, row: OutboxMessage, until: datetime, now: datetime
) -> None:
    """Defer a text to a number whose limit is exhausted.

    Drop answers, so that a flood of requests does not cause hours of replies, and texts that would
    come too late.
    """
    if row.priority == Priority.ANSWER or until >= row.expires_at:
        settle_message(session, row, MessageState.FAILED, now, "too_many")
        return
    row.due_at, row.error = until, "too_many"
    record_message_act(session, row, AuditAct.TEXT_HELD, now, "too many to one number")


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
