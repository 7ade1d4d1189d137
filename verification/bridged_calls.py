"""Calls that we bridge ourselves: what a call's progress does to its callback and its code.

The code is dead until the customer's leg is live, and dead again when it is over, so that it can
be neither seen nor accepted before or after.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from messaging import call_queue
from messaging.call_states import MISSED_STATES, OVER_STATES, CallState
from messaging.models import PhoneCall
from people import row_mac
from people.customers import customer_number, customer_records
from people.models import Customer, Staff
from people.staff import staff_records
from scheduling.errors import WrongState
from scheduling.models import Callback
from scheduling.policy import Policy
from scheduling.states import LIVE_STATES, CallbackState, CallOutcome, require_state
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from verification import call_session
from verification.call_session import IssuedCode

#: So long after the customer picked up, and nobody said it was a machine, it is a person.
PRESUMED_PERSON_AFTER = timedelta(seconds=15)
_ACT_BY_STATE = {state: AuditAct[f"CALL_{state.name}"] for state in CallState}


def start_bridged_call(
    session: Session, callback: Callback, policy: Policy, now: datetime
) -> IssuedCode | None:
    """Begin the call: ring the agent, then the customer. Gives the code, once they are on the
    phone together; ``None`` before. Pressed twice, it rings once.

    Raises ``OutsideWindow`` or ``WrongState``, also for an agent whose number we do not have.
    """
    if not policy.bridge_calls:
        return call_session.start_call(session, callback, policy, now)
    call_session.lock_code_and_callback(session, callback)
    if CallbackState(callback.state) in LIVE_STATES:
        return _current_code_if_live(session, callback, now)
    phone = _require_agent_phone(session, callback)
    call_session.mark_call_started(session, callback, policy, now, until=now)
    call_queue.queue_call(session, callback.id, phone, now)
    return None


def _current_code_if_live(session: Session, callback: Callback, now: datetime) -> IssuedCode | None:
    call = call_queue.find_latest_call(session, callback.id)
    if call is not None and (
        call.state != CallState.LIVE or not row_mac.is_row_intact(session, call)
    ):
        return None
    return call_session.current_code(session, callback, now)


def _require_agent_phone(session: Session, callback: Callback) -> str:
    phone = staff_records.open_staff_phone(session, session.get_one(Staff, callback.agent_id))
    if not phone:
        raise WrongState("We ring you first, and do not have your phone number. Ask an operator.")
    return phone


def redial_customer(session: Session, callback: Callback, now: datetime) -> None:
    """Ring once more after a call that missed the customer, with a new code that is dead until
    they are on the phone. Three times at the most. Raises ``WrongState`` or ``OutsideWindow``."""
    call_session.lock_code_and_callback(session, callback)
    require_state(CallbackState(callback.state), CallbackState.STARTED)
    call = call_queue.find_latest_call(session, callback.id)
    if not can_redial(call):
        raise WrongState("The call is not over, or the customer was on the phone.")
    phone = _require_agent_phone(session, callback)
    call_session.rotate_code(session, callback, now, until=now)
    call_queue.queue_call(session, callback.id, phone, now)


def can_redial(call: PhoneCall | None) -> bool:
    """Whether the call is over without the customer ever having been on the phone."""
    return call is not None and call.state in MISSED_STATES and call.live_at is None


def record_call_progress(
    session: Session,
    call_id: UUID,
    state: CallState,
    policy: Policy,
    now: datetime,
    *,
    error: str = "",
) -> bool:
    """Note how far a call got, in any order and any number of times; whether it was news.

    Live wakes the code, over kills it, and a machine that answers ends the callback.
    """
    found = session.get(PhoneCall, call_id)
    if found is None:
        return False
    callback = session.get_one(Callback, found.callback_id)
    call_session.lock_code_and_callback(session, callback)
    call = call_queue.lock_call(session, call_id)
    if call is None or not row_mac.is_row_intact(session, call):
        return False
    if state is CallState.VOICEMAIL and callback.state == CallbackState.CONFIRMED:
        state = CallState.LIVE  # no machine checks a code
    if not call_queue.record_call_state(session, call, state, now, error):
        return False
    _apply_call_state(session, call, callback, policy, now)
    audit_log.record_act(
        session,
        audit_log.PROVIDER,
        _ACT_BY_STATE[CallState(call.state)],
        now,
        customer_id=callback.customer_id,
        callback_id=callback.id,
    )
    return True


def _apply_call_state(
    session: Session, call: PhoneCall, callback: Callback, policy: Policy, now: datetime
) -> None:
    newest = call_queue.find_latest_call(session, callback.id)
    if newest is None or newest.id != call.id or CallbackState(callback.state) not in LIVE_STATES:
        return
    if call.state == CallState.LIVE:
        call_session.activate_code(session, callback, policy, now)
    elif call.state in OVER_STATES:
        call_session.deactivate_code(session, callback, now)
    if call.state == CallState.VOICEMAIL:
        call.to_hang_up, call.due_at = True, now
        session.add(call)
        call_session.end_call_by_provider(session, callback, CallOutcome.VOICEMAIL, policy, now)


def presume_answered_by_person(session: Session, policy: Policy, now: datetime) -> None:
    """Calls that were answered a while ago, of which the provider never said by what: by a person
    (a job of the worker)."""
    rows = session.exec(
        select(PhoneCall.id)
        .where(
            col(PhoneCall.state) == CallState.ANSWERED,
            col(PhoneCall.answered_at) <= now - PRESUMED_PERSON_AFTER,
            col(PhoneCall.wanted_at) > now - timedelta(hours=3),
        )
        .limit(50)
    ).all()
    for row in rows:
        record_call_progress(session, row, CallState.LIVE, policy, now)


def accept_agent_leg(
    session: Session, call_id: UUID, sid: str, policy: Policy, now: datetime
) -> PhoneCall | None:
    """The agent's phone was picked up in the provider's call ``sid``. Gives the call when it may
    go on; ``None`` when it is over, not known, or another call's."""
    found = session.get(PhoneCall, call_id)
    if found is None or not sid:
        return None
    callback = session.get_one(Callback, found.callback_id)
    call_session.lock_code_and_callback(session, callback)
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
    """The customer's number for the provider to ring, handed out once a call, and only while it
    is the agent's own that goes on. Written down as a reading."""
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
    if not call_session.is_code_bound_to(session, callback, phone):
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
    """Whether these rows are as we left them."""
    return all(row_mac.is_row_intact(session, row) for row in rows)
