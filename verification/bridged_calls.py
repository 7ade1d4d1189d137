"""Bridged calls: applies the progress of a call to its callback and its code.

The code is valid only while the customer's leg is live. Before and after, it is neither shown nor
accepted.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from messaging import call_queue
from messaging.call_states import MISSED_STATES, OVER_STATES, CallState
from messaging.models import PhoneCall
from people import row_mac
from people.models import Staff
from people.staff import staff_records
from scheduling.errors import WrongState
from scheduling.models import Callback
from scheduling.policy import Policy
from scheduling.states import LIVE_STATES, CallbackState, CallOutcome, require_state
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from verification import call_end, call_session, issued_codes, open_codes
from verification.error_codes import VerificationErrorCode
from verification.issued_codes import IssuedCode

#: An answered call is taken to be answered by a person if the provider reports no machine for this
#: long.
PRESUMED_PERSON_AFTER = timedelta(seconds=15)
_ACT_BY_STATE = {state: AuditAct[f"CALL_{state.name}"] for state in CallState}


def start_bridged_call(
    session: Session, callback: Callback, policy: Policy, now: datetime
) -> IssuedCode | None:
    """Start the call: ring the agent, then the customer.

    Returns the code once both are on the phone, ``None`` before. Starting twice rings once. Raises
    ``OutsideWindow`` or ``WrongState``, also if the agent has no phone number on record.
    """
    if not policy.bridge_calls:
        return call_session.start_call(session, callback, policy, now)
    open_codes.lock_code_and_callback(session, callback)
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
    return issued_codes.current_code(session, callback, now)


def _require_agent_phone(session: Session, callback: Callback) -> str:
    phone = staff_records.open_staff_phone(session, session.get_one(Staff, callback.agent_id))
    if not phone:
        raise WrongState(VerificationErrorCode.AGENT_PHONE_MISSING)
    return phone


def redial_customer(session: Session, callback: Callback, now: datetime) -> None:
    """Ring again after a call that did not reach the customer.

    Issues a new code that is not valid until the customer is on the phone. Allowed at most
    three times. Raises ``WrongState`` or ``OutsideWindow``.
    """
    open_codes.lock_code_and_callback(session, callback)
    require_state(CallbackState(callback.state), CallbackState.STARTED)
    call = call_queue.find_latest_call(session, callback.id)
    if not can_redial(call):
        raise WrongState(VerificationErrorCode.CALL_NOT_REPEATABLE)
    phone = _require_agent_phone(session, callback)
    issued_codes.rotate_code(session, callback, now, until=now)
    call_queue.queue_call(session, callback.id, phone, now)


def can_redial(call: PhoneCall | None) -> bool:
    """Return whether the call is over and the customer was never on the phone."""
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
    """Record a call state and apply it. Returns whether the state was new.

    States may arrive in any order and any number of times. Live activates the code, over
    deactivates it, and an answering machine ends the callback.
    """
    candidate = session.get(PhoneCall, call_id)
    if candidate is None:
        return False
    callback = session.get_one(Callback, candidate.callback_id)
    open_codes.lock_code_and_callback(session, callback)
    call = call_queue.lock_call(session, call_id)
    if call is None or not row_mac.is_row_intact(session, call):
        return False
    if state is CallState.VOICEMAIL and callback.state == CallbackState.CONFIRMED:
        state = CallState.LIVE  # an answering machine cannot check a code
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
        issued_codes.activate_code(session, callback, policy, now)
    elif call.state in OVER_STATES:
        issued_codes.deactivate_code(session, callback, now)
    if call.state == CallState.VOICEMAIL:
        call.to_hang_up, call.due_at = True, now
        session.add(call)
        call_end.end_call_by_provider(session, callback, CallOutcome.VOICEMAIL, policy, now)


def presume_answered_by_person(session: Session, policy: Policy, now: datetime) -> None:
    """Set calls to live if they were answered a while ago and the provider did not report by what
    (a job of the worker)."""
    call_ids = session.exec(
        select(PhoneCall.id)
        .where(
            col(PhoneCall.state) == CallState.ANSWERED,
            col(PhoneCall.answered_at) <= now - PRESUMED_PERSON_AFTER,
            col(PhoneCall.wanted_at) > now - timedelta(hours=3),
        )
        .limit(50)
    ).all()
    for call_id in call_ids:
        record_call_progress(session, call_id, CallState.LIVE, policy, now)
