"""Changing a customer's number takes two people, a text to the old number, and a waiting time.

It is what a thief of accounts wants first. So the agent who asks must hold a callback of the
customer, a supervisor who sees neither number whole approves it, whoever holds the old number hears
of it at once, and until the waiting time is over the new one is good for nothing. That time begins
when a provider has taken what tells the old number; if none ever does, it is as long as that could
have taken, and the investigators have a case (:mod:`procedures.undelivered_number_change`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from sqlmodel import Session, col, select, update

from messaging import calling_hours, line_types, opt_outs, outbox, text_templates, voice_templates
from messaging.models import MessageState, OutboxMessage, Priority
from messaging.providers.base import TEXT, VOICE
from people import phone_numbers
from people.approvals import approval_requests
from people.approvals.request_types import ApprovalRequestView, RequestSubject, RequestType
from people.customers import access_budgets, customer_number, customer_records, customer_sessions
from people.errors import Conflict, InvalidInput
from people.models import Customer, NumberProof, Role
from scheduling.booking import bookings, callback_reference, slot_offers
from scheduling.models import Callback
from scheduling.notifications import callback_notifier
from scheduling.policy import Policy
from scheduling.states import CallbackState
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import field_encryption
from verification import call_session
from verification.models import Code

NUMBER_CHANGE = "customer.number"
#: The kind of the text to the old number, which nothing withdraws.
NOTICE_KIND = outbox.NUMBER_CHANGED
#: What becomes of a text to a landline, once it is to be said there instead.
VOICE_RETRY = "landline, spoken"
#: In the audit log, why a call is off.
CANCEL_REASON = "the number was changed"
_NOTICE_DEADLINE, _RECENT = timedelta(days=3), timedelta(minutes=30)


def request_number_change(
    session: Session, callback: Callback, phone: str, why: str, policy: Policy, now: datetime
) -> None:
    """The agent who holds this callback asks for another number (E.164) of its customer. Whether
    somebody else has it is not said here: it would tell an agent who is a customer. It is counted
    as a look-up, since the approver reads it. Raises ``InvalidInput``, ``NotAllowed``,
    ``NoLonger`` or ``BudgetSpent``."""
    phone_numbers.require_callable(phone, policy.countries)
    customer = session.get_one(Customer, callback.customer_id)
    if customer.erased_at is not None:
        raise Conflict("What we knew of this customer is gone.")
    old = customer_records.open_customer_details(session, customer).phone
    if phone == old:
        raise InvalidInput("phone", "This is the number that we have.")
    about = RequestSubject(customer_id=customer.id, callback_id=callback.id)
    payload = {"old": old, "new": phone}
    access_budgets.count_customer_lookup(session, callback.agent_id, None, phone, now)
    approval_requests.submit_for_approval(
        session, build_number_change_type(policy), payload, why, callback.agent_id, now, about=about
    )


def build_number_change_type(policy: Policy) -> RequestType:
    """The row of the table, under the rules of this installation."""
    return RequestType(
        NUMBER_CHANGE,
        asks=frozenset({Role.AGENT}),
        approves=frozenset({Role.SUPERVISOR}),
        facts=_number_change_facts,
        run=partial(_execute_number_change, policy),
        same=("old", "new"),
        hopeless=_invalid_change_reason,
    )


def _number_change_facts(session: Session, act: ApprovalRequestView) -> Sequence[tuple[str, str]]:
    old, new = act.payload_text("old"), act.payload_text("new")
    found = [
        ("old number", phone_numbers.mask_phone(old)),
        ("new number", phone_numbers.mask_phone(new)),
    ]
    found += _requesting_callback_facts(session, act)
    if opt_outs.is_opted_out(session, old):
        found.append(("warning", "opted out"))
    if customer_records.find_by_phone(session, new):
        found.append(("warning", "number taken"))
    return found


def _requesting_callback_facts(session: Session, act: ApprovalRequestView) -> list[tuple[str, str]]:
    """The callback, so that whoever approves can ask about it: nothing of its customer."""
    callback = session.get(Callback, act.about.callback_id)
    if callback is None:
        return []
    return [
        ("callback", callback_reference.format_callback_reference(callback.id)),
        ("callback at", callback.starts_at.isoformat()),
        ("its agent", callback_notifier.agent_first_name(session, callback.agent_id)),
    ]


def _execute_number_change(
    policy: Policy, session: Session, act: ApprovalRequestView, now: datetime
) -> None:
    """The customer's row is locked first, as :func:`verification.call_session.mark_call_started`
    does: a call is started before the change, and its code dies by it, or not at all."""
    customer = session.exec(
        select(Customer)
        .where(col(Customer.id) == act.about.customer_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    _require_unchanged_request(session, act, customer)
    voice = callback_notifier.customer_message_context(session, customer, policy, now)
    phone = act.payload_text("new")
    until = now + _NOTICE_DEADLINE + _hold_duration(policy)
    customer_number.change_customer_number(
        session, customer, phone, until, act.actor, now, countries=policy.countries
    )
    _revoke_old_number(session, customer.id, now)
    due_at = calling_hours.next_allowed_time(
        now, customer.timezone, policy.calling_hours_in(customer.timezone)
    )
    off = bookings.cancel_for_customer(
        session, customer.id, due_at + _hold_duration(policy), CANCEL_REASON, now
    )
    _notify_old_number(
        session, customer, act.payload_text("old"), phone[-2:], voice, policy, now, off=bool(off)
    )
    callback_notifier.rebuild_reminders(session, customer.id, policy, now)


def _invalid_change_reason(session: Session, act: ApprovalRequestView) -> str:
    """A number that is another customer's is no reason here: the agent would read that it is."""
    customer = session.get_one(Customer, act.about.customer_id)
    if customer.erased_at is not None:
        return "erased"
    if customer_records.open_customer_details(session, customer).phone != act.payload_text("old"):
        return "number changed"
    return "" if _requester_holds_callback(session, act) else "not held"


def _requester_holds_callback(session: Session, act: ApprovalRequestView) -> bool:
    """Whether whoever asked still holds the callback that they asked from."""
    holding = select(Callback.id).where(
        col(Callback.id) == act.about.callback_id, col(Callback.agent_id) == act.asked_by
    )
    return session.exec(holding).first() is not None


def _require_unchanged_request(
    session: Session, act: ApprovalRequestView, customer: Customer
) -> None:
    if customer.erased_at is not None:
        raise Conflict("What we knew of this customer is gone. Refuse this.")
    if customer_records.open_customer_details(session, customer).phone != act.payload_text("old"):
        raise Conflict("The number has been changed since this was asked. Refuse this.")
    if not _requester_holds_callback(session, act):
        raise Conflict("Whoever asked does not hold this customer's callback any more. Refuse it.")


def _revoke_old_number(session: Session, customer_id: UUID, now: datetime) -> None:
    """What was begun over the old number ends: codes, page numbers, browsers, offers, texts."""
    call_session.close_codes(session, col(Code.customer_id) == customer_id, now)
    session.exec(
        update(NumberProof)
        .where(col(NumberProof.customer_id) == customer_id, col(NumberProof.closed_at).is_(None))
        .values(closed_at=now, secret=None, bound=None)
    )
    customer_sessions.end_all_customer_sessions(session, customer_id, now)
    slot_offers.close_offers(session, customer_id, now)
    outbox.withdraw_for_customer(session, customer_id, now, but=NOTICE_KIND)


def _notify_old_number(
    session: Session,
    customer: Customer,
    old: str,
    ending: str,
    voice: text_templates.MessageContext,
    policy: Policy,
    now: datetime,
    *,
    off: bool,
) -> None:
    """Tell whoever holds the old number, as soon as it is no longer night there; ``off`` says that
    calls were called off."""
    landline = line_types.find_line_type(session, old, now) == line_types.LANDLINE
    say = voice_templates.say_number_changed if landline else text_templates.text_number_changed
    zone = customer.timezone
    draft = outbox.NewMessage(
        customer_id=customer.id,
        kind=NOTICE_KIND,
        to=old,
        body=say(voice, ending, off=off),
        due_at=calling_hours.next_allowed_time(now, zone, policy.calling_hours_in(zone)),
        expires_at=now + _NOTICE_DEADLINE,
        priority=Priority.ANSWER,
        medium=VOICE if landline else TEXT,
        decent=policy.calling_hours_for(zone),
    )
    outbox.queue_message(session, draft, now)
    audit_log.record_act(
        session, audit_log.SYSTEM, AuditAct.NUMBER_TELL, now, customer_id=customer.id
    )


def queue_voice_notices(session: Session, policy: Policy, now: datetime) -> None:
    """Say to an old number, once, what no text could tell there: it is a landline (a job of the
    worker)."""
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
            session, customer, now + _NOTICE_DEADLINE + _hold_duration(policy)
        )
        off = _cancelled_with_change(session, row)
        _notify_old_number(session, customer, old, ending, voice, policy, now, off=off)


def _cancelled_with_change(session: Session, row: OutboxMessage) -> bool:
    """Whether a call was called off with the change that this text tells."""
    found = select(Callback.id).where(
        col(Callback.customer_id) == row.customer_id,
        col(Callback.state) == CallbackState.CANCELLED,
        col(Callback.ended_at) == row.created_at,
    )
    return session.exec(found.limit(1)).first() is not None


def start_number_holds(session: Session, policy: Policy, now: datetime) -> None:
    """Begin the waiting time of each number whose old one has been told (a job of the worker)."""
    told = select(OutboxMessage.customer_id).where(
        col(OutboxMessage.settled_at) > now - _RECENT,
        col(OutboxMessage.state) == MessageState.SENT,
        col(OutboxMessage.kind) == NOTICE_KIND,
    )
    waiting = session.exec(
        select(Customer)
        .where(
            col(Customer.id).in_(told),
            col(Customer.number_waits_until) > now,
            col(Customer.erased_at).is_(None),
        )
        .with_for_update(skip_locked=True)
    ).all()
    for customer in waiting:
        begins = _old_number_notified_at(session, customer.id, policy, now)
        if begins is not None:
            _start_number_hold(session, customer, begins + _hold_duration(policy), policy, now)


def _old_number_notified_at(
    session: Session, customer_id: UUID, policy: Policy, now: datetime
) -> datetime | None:
    """When a provider had taken the last of what tells the old numbers of a customer; none while
    one waits, and none when one could not be told."""
    rows = session.exec(
        select(OutboxMessage).where(
            col(OutboxMessage.customer_id) == customer_id,
            col(OutboxMessage.kind) == NOTICE_KIND,
            col(OutboxMessage.created_at) > now - _NOTICE_DEADLINE - _hold_duration(policy),
            col(OutboxMessage.error).is_distinct_from(VOICE_RETRY),
        )
    ).all()
    if any(row.state != MessageState.SENT for row in rows):
        return None
    return max((row.settled_at for row in rows if row.settled_at), default=None)


def _start_number_hold(
    session: Session, customer: Customer, until: datetime, policy: Policy, now: datetime
) -> None:
    """Calls that a slow provider has put into the waiting time are off like the others."""
    bookings.cancel_for_customer(session, customer.id, until, CANCEL_REASON, now)
    if customer.number_waits_until is None or until >= customer.number_waits_until:
        return
    customer_number.set_number_hold(session, customer, until)
    audit_log.record_act(
        session, audit_log.SYSTEM, AuditAct.NUMBER_TOLD, now, customer_id=customer.id
    )
    callback_notifier.rebuild_reminders(session, customer.id, policy, now)


def _hold_duration(policy: Policy) -> timedelta:
    return timedelta(hours=policy.number_change_wait_hours)
