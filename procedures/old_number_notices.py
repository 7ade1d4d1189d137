"""The notice of a number change to the customer's old number, and the hold that starts with it."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from messaging import (
    calling_hours,
    line_types,
    message_context,
    outbox,
    text_templates,
    voice_templates,
)
from messaging.models import MessageState, OutboxMessage, Priority
from messaging.providers.base import TEXT, VOICE
from people.customers import customer_number, customer_records
from people.models import Customer
from scheduling.booking import cancellations
from scheduling.models import Callback
from scheduling.notifications import callback_notifier
from scheduling.policy import Policy
from scheduling.states import CallbackState
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import field_encryption

#: Message kind of the notice to the old number. These messages are never withdrawn.
NOTICE_KIND = outbox.NUMBER_CHANGED
#: Error recorded on a text to a landline once it is repeated by voice.
VOICE_RETRY = "landline, spoken"
#: Reason recorded in the audit log for a cancelled call.
CANCEL_REASON = "the number was changed"
NOTICE_DEADLINE, _RECENT = timedelta(days=3), timedelta(minutes=30)


def notify_old_number(
    session: Session,
    customer: Customer,
    old: str,
    ending: str,
    voice: message_context.MessageContext,
    policy: Policy,
    now: datetime,
    *,
    off: bool,
) -> None:
    """Queue a notice to the old number for the next allowed calling hour. ``off`` says that calls
    were cancelled."""
    landline = line_types.find_line_type(session, old, now) == line_types.LANDLINE
    say = voice_templates.say_number_changed if landline else text_templates.text_number_changed
    zone = customer.timezone
    draft = outbox.NewMessage(
        customer_id=customer.id,
        kind=NOTICE_KIND,
        to=old,
        body=say(voice, ending, off=off),
        due_at=calling_hours.next_allowed_time(now, zone, policy.calling_hours_in(zone)),
        expires_at=now + NOTICE_DEADLINE,
        priority=Priority.ANSWER,
        medium=VOICE if landline else TEXT,
        decent=policy.calling_hours_for(zone),
    )
    outbox.queue_message(session, draft, now)
    audit_log.record_act(
        session, audit_log.SYSTEM, AuditAct.NUMBER_TELL, now, customer_id=customer.id
    )


def queue_voice_notices(session: Session, policy: Policy, now: datetime) -> None:
    """Repeat a notice by voice, once, if its text failed because the old number is a landline (a
    job of the worker)."""
    failed = session.exec(
        select(OutboxMessage)
        .where(
            col(OutboxMessage.settled_at) > now - _RECENT,
            col(OutboxMessage.state) == MessageState.FAILED,
            col(OutboxMessage.error) == line_types.LANDLINE,
            col(OutboxMessage.medium) == TEXT,
            col(OutboxMessage.kind) == NOTICE_KIND,
        )
        .limit(50)
        .with_for_update(skip_locked=True)
    ).all()
    for row in failed:
        row.error = VOICE_RETRY
        session.add(row)
        customer = session.get_one(Customer, row.customer_id)
        key = field_encryption.load_data_key(session, customer.id)
        old = key.open_field(outbox.TABLE, "recipient", row.id, row.recipient)
        ending = customer_records.open_customer_details(session, customer).phone[-2:]
        voice = callback_notifier.customer_message_context(session, customer, policy, now)
        customer_number.set_number_hold(
            session, customer, now + NOTICE_DEADLINE + hold_duration(policy)
        )
        off = _cancelled_with_change(session, row)
        notify_old_number(session, customer, old, ending, voice, policy, now, off=off)


def _cancelled_with_change(session: Session, row: OutboxMessage) -> bool:
    """Return whether a call was cancelled by the change that this notice is about."""
    statement = select(Callback.id).where(
        col(Callback.customer_id) == row.customer_id,
        col(Callback.state) == CallbackState.CANCELLED,
        col(Callback.ended_at) == row.created_at,
    )
    return session.exec(statement.limit(1)).first() is not None


def start_number_holds(session: Session, policy: Policy, now: datetime) -> None:
    """Start the hold of each changed number whose old number was notified (a job of the worker)."""
    notified = select(OutboxMessage.customer_id).where(
        col(OutboxMessage.settled_at) > now - _RECENT,
        col(OutboxMessage.state) == MessageState.SENT,
        col(OutboxMessage.kind) == NOTICE_KIND,
    )
    waiting = session.exec(
        select(Customer)
        .where(
            col(Customer.id).in_(notified),
            col(Customer.number_waits_until) > now,
            col(Customer.erased_at).is_(None),
        )
        .with_for_update(skip_locked=True)
    ).all()
    for customer in waiting:
        begins = _old_number_notified_at(session, customer.id, policy, now)
        if begins is not None:
            _start_number_hold(session, customer, begins + hold_duration(policy), policy, now)


def _old_number_notified_at(
    session: Session, customer_id: UUID, policy: Policy, now: datetime
) -> datetime | None:
    """Return when a provider accepted the last notice to the customer's old numbers.

    Returns ``None`` while a notice is pending, and if one could not be delivered.
    """
    rows = session.exec(
        select(OutboxMessage).where(
            col(OutboxMessage.customer_id) == customer_id,
            col(OutboxMessage.kind) == NOTICE_KIND,
            col(OutboxMessage.created_at) > now - NOTICE_DEADLINE - hold_duration(policy),
            col(OutboxMessage.error).is_distinct_from(VOICE_RETRY),
        )
    ).all()
    if any(row.state != MessageState.SENT for row in rows):
        return None
    return max((row.settled_at for row in rows if row.settled_at), default=None)


def _start_number_hold(
    session: Session, customer: Customer, until: datetime, policy: Policy, now: datetime
) -> None:
    """Shorten the hold to ``until``, and cancel calls that a slow provider has moved into it."""
    cancellations.cancel_for_customer(session, customer.id, until, CANCEL_REASON, now)
    if customer.number_waits_until is None or until >= customer.number_waits_until:
        return
    customer_number.set_number_hold(session, customer, until)
    audit_log.record_act(
        session, audit_log.SYSTEM, AuditAct.NUMBER_TOLD, now, customer_id=customer.id
    )
    callback_notifier.rebuild_reminders(session, customer.id, policy, now)


def hold_duration(policy: Policy) -> timedelta:
    """Return how long a changed number is on hold."""
    return timedelta(hours=policy.number_change_wait_hours)
