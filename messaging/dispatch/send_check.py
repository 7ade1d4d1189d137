"""The checks between a due text and its sending: refusals, limits a number, and spending."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property

from sqlmodel import Session, col, select

from messaging import calling_hours, line_types, opt_outs, spending
from messaging.dispatch.delivery_outcomes import (
    record_message_act,
    settle_message,
)
from messaging.message_kinds import ANYONE_CAN_TRIGGER, spending_budget_for
from messaging.models import MessageState, OutboxMessage, Priority
from messaging.outbox import UNLIMITED_KINDS
from messaging.providers.base import VOICE, OutboundMessage
from messaging.sending_limits import NumberLimit, SendingLimits, is_country_allowed
from vault.audit.acts import AuditAct


class SendCheck:
    """The checks between a due text and its sending."""

    def __init__(self, session: Session, rules: SendingLimits, now: datetime) -> None:
        self.session, self.rules, self.now = session, rules, now

    @cached_property
    def purse(self) -> spending.SpendingBudget:
        """Lock the spending budget once, when the first text needs it."""
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
        """Spend the price of a text; return whether the budget allowed it."""
        text = row.segments * self.rules.segment_price
        price = self.rules.call_price if row.medium == VOICE else text
        return self.purse.try_spend(
            price, answer=row.priority == Priority.ANSWER, purse=spending_budget_for(row.kind)
        )


def defer_to_morning(session: Session, row: OutboxMessage, now: datetime) -> bool:
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


def check_send_limits(
    session: Session, row: OutboxMessage, letter: OutboundMessage, gate: SendCheck, now: datetime
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
