"""Starts a call inside its window and creates its code, bound to the number (rule C2)."""

from __future__ import annotations

from datetime import datetime

import structlog
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from messaging import outbox
from people.customers import sealed_columns
from people.models import Customer
from scheduling.booking import call_window
from scheduling.booking.number_change_hold import require_no_number_change_hold
from scheduling.errors import OutsideWindow, WrongState
from scheduling.models import Callback
from scheduling.policy import Policy
from scheduling.states import (
    LIVE_STATES,
    CallbackState,
    require_transition,
)
from vault.audit.acts import AuditAct
from vault.errors import Tampered
from vault.keys import field_encryption, keyring
from verification import codes
from verification.call_end import close_overdue_call
from verification.error_codes import VerificationErrorCode
from verification.issued_codes import (
    IssuedCode,
    code_expiry,
    current_code,
    require_intact_callback,
    reveal_code,
)
from verification.models import Code
from verification.open_codes import (
    lock_code_and_callback,
    seal_code_secret,
)
from verification.session_audit import record_session_act

log = structlog.get_logger("calls")


def start_call(session: Session, callback: Callback, policy: Policy, now: datetime) -> IssuedCode:
    """Start the call inside its window and issue its code; no code exists before.

    Starting twice shows the existing code. Raises ``OutsideWindow`` or ``WrongState``.
    """
    lock_code_and_callback(session, callback)
    if CallbackState(callback.state) in LIVE_STATES:
        return current_code(session, callback, now)
    code = mark_call_started(
        session, callback, policy, now, until=code_expiry(callback, policy, now)
    )
    return reveal_code(session, callback, code, now)


def mark_call_started(
    session: Session, callback: Callback, policy: Policy, now: datetime, *, until: datetime
) -> Code:
    """Set a locked callback to started and create its code, valid until ``until`` (UTC).

    Raises ``OutsideWindow`` or ``WrongState``.
    """
    require_transition(CallbackState(callback.state), CallbackState.STARTED)
    if now < call_window.call_window_start(callback.starts_at, policy.window_lead_minutes):
        raise OutsideWindow(VerificationErrorCode.TOO_EARLY, minutes=policy.window_lead_minutes)
    if now >= callback.ends_at:
        raise OutsideWindow(VerificationErrorCode.TOO_LATE)
    keyring.lock_index_keys(session)
    require_intact_callback(session, callback)
    customer = session.get_one(Customer, callback.customer_id)
    require_no_number_change_hold(session, customer, now)
    phone = _open_bound_phone(session, customer)
    close_overdue_call(session, phone, now)
    outbox.withdraw_for_callback(session, callback.id, now, outbox.REMINDER)
    code = _create_code_row(session, callback, phone, policy, now, until)
    callback.state, callback.started_at = CallbackState.STARTED, now
    callback.earlier_wanted_at = None
    session.add(callback)
    session.flush()
    record_session_act(session, callback, AuditAct.CALLBACK_START, now)
    return code


def _create_code_row(
    session: Session,
    callback: Callback,
    phone: str,
    policy: Policy,
    now: datetime,
    until: datetime,
) -> Code:
    """Create a code. It is bound to the decrypted phone number, not to the customer's blind index,
    which a database writer could have changed."""
    code = Code(
        phone_index=keyring.current_keyring(session).compute_blind_index("phone", phone),
        callback_id=callback.id,
        customer_id=callback.customer_id,
        digits=policy.code_digits,
        valid_from=now,
        valid_until=until,
    )
    seal_code_secret(session, code, codes.new_code_secret())
    try:
        with session.begin_nested():
            session.add(code)
            session.flush()
    except IntegrityError:
        raise WrongState(VerificationErrorCode.ANOTHER_CALL_GOING_ON) from None
    return code


def _open_bound_phone(session: Session, customer: Customer) -> str:
    """Decrypt the number to bind a code to, whatever the customer's index says. Raises
    ``WrongState`` if it does not decrypt."""
    try:
        phone = sealed_columns.open_phone(
            field_encryption.load_data_key(session, customer.id), customer
        )
    except Tampered:
        raise WrongState(VerificationErrorCode.CALL_TAMPERED) from None
    if customer.phone_index not in keyring.current_keyring(session).compute_search_forms(
        "phone", phone
    ):
        log.error("a customer has an index that is not their own", customer=str(customer.id))
    return phone
