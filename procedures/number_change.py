"""Change of a customer's number: it needs a second approver, a notice to the old number and a hold.

An account thief wants this change first. So the requesting agent must hold a callback of the
customer, a supervisor who sees both numbers masked must approve it, the old number is notified at
once, and the new number cannot be used until the hold is over. The hold starts when a provider has
accepted the notice to the old number. If none accepts it, the hold lasts as long as delivery could
have taken, and a case is opened for the investigators
(:mod:`procedures.undelivered_number_change`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlmodel import Session, col, select, update

from messaging import calling_hours, opt_outs, outbox
from people import phone_numbers
from people.approvals import approval_requests
from people.approvals.request_types import ApprovalRequestView, RequestSubject, RequestType
from people.customers import access_budgets, customer_number, customer_records, customer_sessions
from people.errors import Conflict, InvalidInput
from people.models import Customer, NumberProof, Role
from procedures.error_codes import ProcedureErrorCode
from procedures.old_number_notices import (
    CANCEL_REASON,
    NOTICE_DEADLINE,
    NOTICE_KIND,
    hold_duration,
    notify_old_number,
)
from scheduling.booking import callback_reference, cancellations, slot_offers
from scheduling.models import Callback
from scheduling.notifications import callback_notifier
from scheduling.policy import Policy
from verification import open_codes
from verification.models import Code

NUMBER_CHANGE = "customer.number"


def request_number_change(
    session: Session, callback: Callback, phone: str, why: str, policy: Policy, now: datetime
) -> None:
    """Request a new number (E.164) for the customer of a callback, on behalf of its agent.

    The answer does not reveal whether another customer has the number: an agent could use it to
    find customers. The request counts as a look-up, since the approver reads the result. Raises
    ``InvalidInput``, ``NotAllowed``, ``Conflict`` or ``BudgetExceeded``.
    """
    phone_numbers.require_callable(phone, policy.countries)
    customer = session.get_one(Customer, callback.customer_id)
    if customer.erased_at is not None:
        raise Conflict(ProcedureErrorCode.NUMBER_CUSTOMER_ERASED)
    old = customer_records.open_customer_details(session, customer).phone
    if phone == old:
        raise InvalidInput("phone", ProcedureErrorCode.NUMBER_UNCHANGED)
    about = RequestSubject(customer_id=customer.id, callback_id=callback.id)
    payload = {"old": old, "new": phone}
    access_budgets.count_customer_lookup(session, callback.agent_id, None, phone, now)
    approval_requests.submit_for_approval(
        session, build_number_change_type(policy), payload, why, callback.agent_id, now, about=about
    )


def build_number_change_type(policy: Policy) -> RequestType:
    """Build the request type for this installation's policy."""
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
    facts = [
        ("old number", phone_numbers.mask_phone(old)),
        ("new number", phone_numbers.mask_phone(new)),
    ]
    facts += _requesting_callback_facts(session, act)
    if opt_outs.is_opted_out(session, old):
        facts.append(("warning", "opted out"))
    if customer_records.find_by_phone(session, new):
        facts.append(("warning", "number taken"))
    return facts


def _requesting_callback_facts(session: Session, act: ApprovalRequestView) -> list[tuple[str, str]]:
    """Return facts of the callback, so that the approver can ask about it. None are about its
    customer."""
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
    """Lock the customer's row first, as :func:`verification.call_session.mark_call_started` does.

    A call starts either before the change, which then closes its code, or not at all.
    """
    customer = session.exec(
        select(Customer)
        .where(col(Customer.id) == act.about.customer_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    _require_unchanged_request(session, act, customer)
    voice = callback_notifier.customer_message_context(session, customer, policy, now)
    phone = act.payload_text("new")
    until = now + NOTICE_DEADLINE + hold_duration(policy)
    customer_number.change_customer_number(
        session, customer, phone, until, act.actor, now, countries=policy.countries
    )
    _revoke_old_number(session, customer.id, now)
    due_at = calling_hours.next_allowed_time(
        now, customer.timezone, policy.calling_hours_in(customer.timezone)
    )
    off = cancellations.cancel_for_customer(
        session, customer.id, due_at + hold_duration(policy), CANCEL_REASON, now
    )
    notify_old_number(
        session, customer, act.payload_text("old"), phone[-2:], voice, policy, now, off=bool(off)
    )
    callback_notifier.rebuild_reminders(session, customer.id, policy, now)


def _invalid_change_reason(session: Session, act: ApprovalRequestView) -> str:
    """Return why the request can no longer be executed, or ``""``.

    That the number belongs to another customer is not a reason here: the requesting agent would
    learn it.
    """
    customer = session.get_one(Customer, act.about.customer_id)
    if customer.erased_at is not None:
        return "erased"
    if customer_records.open_customer_details(session, customer).phone != act.payload_text("old"):
        return "number changed"
    return "" if _requester_holds_callback(session, act) else "not held"


def _requester_holds_callback(session: Session, act: ApprovalRequestView) -> bool:
    """Return whether the requester still holds the callback that they asked from."""
    holding = select(Callback.id).where(
        col(Callback.id) == act.about.callback_id, col(Callback.agent_id) == act.asked_by
    )
    return session.exec(holding).first() is not None


def _require_unchanged_request(
    session: Session, act: ApprovalRequestView, customer: Customer
) -> None:
    if customer.erased_at is not None:
        raise Conflict(ProcedureErrorCode.NUMBER_REQUEST_CUSTOMER_ERASED)
    if customer_records.open_customer_details(session, customer).phone != act.payload_text("old"):
        raise Conflict(ProcedureErrorCode.NUMBER_CHANGED_SINCE)
    if not _requester_holds_callback(session, act):
        raise Conflict(ProcedureErrorCode.REQUESTER_LOST_CALLBACK)


def _revoke_old_number(session: Session, customer_id: UUID, now: datetime) -> None:
    """End everything started over the old number: codes, page numbers, sessions, offers and
    texts."""
    open_codes.close_codes(session, col(Code.customer_id) == customer_id, now)
    session.exec(
        update(NumberProof)
        .where(col(NumberProof.customer_id) == customer_id, col(NumberProof.closed_at).is_(None))
        .values(closed_at=now, secret=None, bound=None)
    )
    customer_sessions.end_all_customer_sessions(session, customer_id, now)
    slot_offers.close_offers(session, customer_id, now)
    outbox.withdraw_for_customer(session, customer_id, now, but=NOTICE_KIND)
