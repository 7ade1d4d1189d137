"""Ends calls: by their agent, by the provider's report, or when their window is over."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from messaging import call_queue
from people.errors import InvalidInput
from scheduling.availability import reservations
from scheduling.booking import retries
from scheduling.errors import WrongState
from scheduling.models import Callback
from scheduling.policy import Policy
from scheduling.states import (
    LIVE_STATES,
    CallbackState,
    CallOutcome,
    require_transition,
)
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import keyring
from verification.error_codes import VerificationErrorCode
from verification.models import Code
from verification.open_codes import (
    close_codes,
    lock_code_and_callback,
)
from verification.session_audit import record_session_act


def end_call(
    session: Session, callback: Callback, outcome: str, policy: Policy, now: datetime
) -> Callback | None:
    """End the call, invalidate its code and delete its secret.

    Returns the next callback if the customer was not reached and a retry is booked. Raises
    ``WrongState``, or ``InvalidInput`` for an unknown outcome.
    """
    if outcome not in set(CallOutcome):
        raise InvalidInput(
            "outcome", VerificationErrorCode.OUTCOME_UNKNOWN, outcomes=tuple(CallOutcome)
        )
    lock_code_and_callback(session, callback)
    _finish_call(session, callback, outcome, now)
    record_session_act(session, callback, AuditAct.CALLBACK_END, now, detail=outcome)
    return retries.book_retry(session, callback, policy, now)


def end_call_by_provider(
    session: Session, callback: Callback, outcome: CallOutcome, policy: Policy, now: datetime
) -> None:
    """End a started call that the provider reports as over."""
    lock_code_and_callback(session, callback)
    _finish_call(session, callback, outcome, now)
    audit_log.record_act(
        session,
        audit_log.PROVIDER,
        AuditAct.CALLBACK_END,
        now,
        customer_id=callback.customer_id,
        callback_id=callback.id,
        detail=outcome,
    )
    retries.book_retry(session, callback, policy, now)


def end_overdue_calls(session: Session, now: datetime) -> None:
    """Close calls whose window is over and that their agent did not end (a job of the worker)."""
    overdue = session.exec(
        select(Callback)
        .where(col(Callback.state).in_(LIVE_STATES), col(Callback.ends_at) <= now)
        .limit(50)
    ).all()
    for callback in sorted(overdue, key=lambda each: each.id):
        _end_if_overdue(session, callback, now)


def close_overdue_call(session: Session, phone: str, now: datetime) -> None:
    """Close a call to the same number whose window is over, so that it cannot block this one.

    Raises ``WrongState`` for a call in progress under the previous index key: the table's unique
    index cannot tell the two apart.
    """
    forms = keyring.current_keyring(session).compute_search_forms("phone", phone)
    other = session.exec(
        select(Callback).where(
            col(Code.phone_index).in_(forms),
            col(Code.closed_at).is_(None),
            col(Code.callback_id) == col(Callback.id),
        )
    ).first()
    if other is None:
        return
    _end_if_overdue(session, other, now)
    if len(forms) > 1 and CallbackState(other.state) in LIVE_STATES:
        raise WrongState(VerificationErrorCode.ANOTHER_CALL_GOING_ON)


def _end_if_overdue(session: Session, callback: Callback, now: datetime) -> None:
    lock_code_and_callback(session, callback)
    if CallbackState(callback.state) in LIVE_STATES and callback.ends_at <= now:
        _finish_overdue_call(session, callback, now)


def _finish_overdue_call(session: Session, callback: Callback, now: datetime) -> None:
    confirmed = CallbackState(callback.state) is CallbackState.CONFIRMED
    outcome = CallOutcome.REACHED if confirmed else CallOutcome.NOT_CONFIRMED
    _finish_call(session, callback, outcome, now)
    audit_log.record_act(
        session,
        audit_log.SYSTEM,
        AuditAct.CALLBACK_END,
        now,
        customer_id=callback.customer_id,
        callback_id=callback.id,
        detail=f"{outcome}, window over",
    )


def _finish_call(session: Session, callback: Callback, outcome: str, now: datetime) -> None:
    require_transition(CallbackState(callback.state), CallbackState.ENDED)
    callback.state, callback.ended_at, callback.outcome = CallbackState.ENDED, now, outcome
    session.add(callback)
    session.flush()
    close_codes(session, col(Code.callback_id) == callback.id, now)
    call_queue.close_calls(session, callback.id, now)
    reservations.release_slots(session, callback.id)
