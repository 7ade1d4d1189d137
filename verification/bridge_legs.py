"""The two legs of a bridged call: the agent's is accepted, the customer's claimed once."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from messaging import call_queue
from messaging.call_states import OVER_STATES, CallState
from messaging.models import PhoneCall
from people import row_mac
from people.customers import customer_number, customer_records
from people.models import Customer
from scheduling.models import Callback
from scheduling.policy import Policy
from scheduling.states import LIVE_STATES, CallbackState
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from verification import open_codes
from verification.bridged_calls import record_call_progress


def accept_agent_leg(
    session: Session, call_id: UUID, sid: str, policy: Policy, now: datetime
) -> PhoneCall | None:
    """Record that the agent picked up, in the provider's call ``sid``.

    Returns the call if it may continue; ``None`` if it is over, unknown, or tied to another
    ``sid``.
    """
    candidate = session.get(PhoneCall, call_id)
    if candidate is None or not sid:
        return None
    callback = session.get_one(Callback, candidate.callback_id)
    open_codes.lock_code_and_callback(session, callback)
    call = call_queue.lock_call(session, call_id)
    if call is None or (call.agent_sid or sid) != sid or call.state in OVER_STATES:
        return None
    if not row_mac.is_row_intact(session, call):
        return None
    call.agent_sid = sid
    session.add(call)
    session.flush()
    record_call_progress(session, call_id, CallState.AGENT_ON, policy, now)
    return call


def claim_customer_phone(
    session: Session, call_id: UUID, sid: str, policy: Policy, now: datetime
) -> str | None:
    """Return the customer's number (E.164) for the provider to ring.

    Returns it once per call, and only while the agent's leg ``sid`` is on. Audited as a read of the
    customer's record.
    """
    call = session.get(PhoneCall, call_id)
    if call is None or not sid or call.agent_sid != sid or call.ringing_at is not None:
        return None
    callback = session.get_one(Callback, call.callback_id)
    if CallbackState(callback.state) not in LIVE_STATES or now >= callback.ends_at:
        return None
    customer = session.get_one(Customer, callback.customer_id)
    if customer_number.is_number_on_hold(customer, now) or not _are_rows_intact(
        session, call, callback
    ):
        return None
    phone = customer_records.open_customer_details(session, customer).phone
    if not open_codes.is_code_bound_to(session, callback, phone):
        return None
    if not record_call_progress(session, call_id, CallState.RINGING, policy, now):
        return None
    audit_log.record_act(
        session,
        audit_log.staff_actor(callback.agent_id),
        AuditAct.CUSTOMER_READ,
        now,
        customer_id=callback.customer_id,
        callback_id=callback.id,
        purpose="to ring them",
    )
    return phone


def _are_rows_intact(session: Session, *rows: Any) -> bool:
    """Return whether the MACs of all these rows hold."""
    return all(row_mac.is_row_intact(session, row) for row in rows)
