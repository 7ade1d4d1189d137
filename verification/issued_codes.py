"""The code of a started call: shown to its agent, reissued, made valid and invalid (rule C2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlmodel import Session

from messaging import call_queue
from messaging.call_states import CallState
from people import row_mac
from scheduling.errors import OutsideWindow, WrongState
from scheduling.models import Callback
from scheduling.policy import Policy
from scheduling.states import (
    LIVE_STATES,
    CallbackState,
    require_state,
)
from vault import external_counters
from vault.audit.acts import AuditAct
from verification import codes
from verification.error_codes import VerificationErrorCode
from verification.models import Code
from verification.open_codes import (
    MAX_REISSUES,
    find_open_code,
    lock_code_and_callback,
    open_code_secret,
    seal_code_secret,
)
from verification.session_audit import record_session_act

log = structlog.get_logger("calls")


@dataclass(frozen=True)
class IssuedCode:
    """A code to show to its agent, valid until ``valid_until`` (UTC)."""

    code: str
    valid_until: datetime


def require_intact_callback(session: Session, callback: Callback) -> None:
    """Raise ``WrongState`` for a callback that was changed outside the application.

    Somebody who can write to the database must not be able to choose the customer, agent, time or
    state.
    """
    if not row_mac.is_row_intact(session, callback):
        log.error("a callback is not as it was left", callback=str(callback.id))
        raise WrongState(VerificationErrorCode.CALL_TAMPERED)


def code_expiry(callback: Callback, policy: Policy, now: datetime) -> datetime:
    """Return until when a code made now is valid (rule C2)."""
    return min(now + timedelta(minutes=policy.code_minutes), callback.ends_at)


def current_code(session: Session, callback: Callback, now: datetime) -> IssuedCode:
    """Return the code of a started call for its agent. Raises ``WrongState`` once it has
    expired."""
    require_state(CallbackState(callback.state), *LIVE_STATES)
    require_intact_callback(session, callback)
    code = find_open_code(session, callback.id)
    if code is None or now >= code.valid_until:
        raise WrongState(VerificationErrorCode.CHECK_NUMBER_EXPIRED)
    return reveal_code(session, callback, code, now)


def reveal_code(session: Session, callback: Callback, code: Code, now: datetime) -> IssuedCode:
    """Audit that the agent sees the code, then decrypt it."""
    record_session_act(session, callback, AuditAct.CODE_READ, now)
    secret = open_code_secret(session, code)
    return IssuedCode(codes.hotp_code(secret, code.counter, code.digits), code.valid_until)


def reissue_code(session: Session, callback: Callback, policy: Policy, now: datetime) -> IssuedCode:
    """Issue a new code for the same call with a new set of tries; the old code is invalid at once.

    Allowed three times per callback. Raises ``WrongState`` or ``OutsideWindow``; for a bridged call
    also while the customer is not on the phone.
    """
    lock_code_and_callback(session, callback)
    bridged = call_queue.find_latest_call(session, callback.id)
    live = bridged is None or (
        bridged.state == CallState.LIVE and row_mac.is_row_intact(session, bridged)
    )
    if not live:
        require_state(CallbackState(callback.state), CallbackState.STARTED)
        raise WrongState(VerificationErrorCode.CUSTOMER_NOT_ON_PHONE)
    code = rotate_code(session, callback, now, until=code_expiry(callback, policy, now))
    return reveal_code(session, callback, code, now)


def rotate_code(session: Session, callback: Callback, now: datetime, *, until: datetime) -> Code:
    """Create the next code of a started call, valid until ``until`` (UTC). Raises as
    :func:`reissue_code`."""
    code = lock_code_and_callback(session, callback)
    require_state(CallbackState(callback.state), CallbackState.STARTED)
    if code is None:
        raise WrongState(VerificationErrorCode.CALL_HAS_ENDED)
    if code.reissued >= MAX_REISSUES:
        raise WrongState(VerificationErrorCode.NO_CHECK_NUMBERS_LEFT)
    if now >= callback.ends_at:
        raise OutsideWindow(VerificationErrorCode.BOOKED_TIME_OVER)
    require_intact_callback(session, callback)
    secret = open_code_secret(session, code)
    external_counters.close_code(session, code.id, code.counter)
    code.counter += 1
    code.reissued += 1
    seal_code_secret(session, code, secret)
    code.tries_open = code.tries_own = 0
    code.valid_from, code.valid_until = now, until
    session.add(code)
    session.flush()
    record_session_act(session, callback, AuditAct.CODE_REISSUE, now)
    return code


def activate_code(session: Session, callback: Callback, policy: Policy, now: datetime) -> None:
    """Make the code valid from now on: the customer is on the phone."""
    code = lock_code_and_callback(session, callback)
    if code is not None:
        code.valid_from, code.valid_until = now, code_expiry(callback, policy, now)
        session.add(code)
        session.flush()


def deactivate_code(session: Session, callback: Callback, now: datetime) -> None:
    """Make the code invalid, whether or not it was shown: nobody is on the phone any more."""
    code = lock_code_and_callback(session, callback)
    if code is not None and code.valid_until > now:
        code.valid_until = now
        session.add(code)
        session.flush()
