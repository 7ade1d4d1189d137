"""The call session: Start issues the code, a reissue replaces it, End closes it (rule C2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select, update

from messaging import call_queue, outbox
from messaging.call_states import CallState
from people import row_mac
from people.customers import customer_records
from people.errors import InvalidInput
from people.models import Customer
from scheduling.availability import reservations
from scheduling.booking import call_window, retries
from scheduling.booking.number_change_hold import require_no_number_change_hold
from scheduling.errors import OutsideWindow, WrongState
from scheduling.models import Callback
from scheduling.policy import Policy
from scheduling.states import (
    LIVE_STATES,
    CallbackState,
    CallOutcome,
    require_state,
    require_transition,
)
from vault import external_counters
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.errors import Tampered
from vault.external_counters import CodeCounter
from vault.keys import field_encryption, keyring
from verification import codes
from verification.error_codes import VerificationErrorCode
from verification.models import Code, code_seal_context

MAX_REISSUES = 3
MAX_TRIES = 5
log = structlog.get_logger("calls")


@dataclass(frozen=True)
class IssuedCode:
    """A code to show to its agent, valid until ``valid_until`` (UTC)."""

    code: str
    valid_until: datetime


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
    return _reveal_code(session, callback, code, now)


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
    _close_overdue_call(session, phone, now)
    outbox.withdraw_for_callback(session, callback.id, now, outbox.REMINDER)
    code = _create_code_row(session, callback, phone, policy, now, until)
    callback.state, callback.started_at = CallbackState.STARTED, now
    callback.earlier_wanted_at = None
    session.add(callback)
    session.flush()
    _record_session_act(session, callback, AuditAct.CALLBACK_START, now)
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
    _seal_code_secret(session, code, codes.new_code_secret())
    try:
        with session.begin_nested():
            session.add(code)
            session.flush()
    except IntegrityError:
        raise WrongState(VerificationErrorCode.ANOTHER_CALL_GOING_ON) from None
    return code


def require_intact_callback(session: Session, callback: Callback) -> None:
    """Raise ``WrongState`` for a callback that was changed outside the application.

    Somebody who can write to the database must not be able to choose the customer, agent, time or
    state.
    """
    if not row_mac.is_row_intact(session, callback):
        log.error("a callback is not as it was left", callback=str(callback.id))
        raise WrongState(VerificationErrorCode.CALL_TAMPERED)


def _open_bound_phone(session: Session, customer: Customer) -> str:
    """Decrypt the number to bind a code to, whatever the customer's index says. Raises
    ``WrongState`` if it does not decrypt."""
    try:
        phone = customer_records.open_phone(
            field_encryption.load_data_key(session, customer.id), customer
        )
    except Tampered:
        raise WrongState(VerificationErrorCode.CALL_TAMPERED) from None
    if customer.phone_index not in keyring.current_keyring(session).compute_search_forms(
        "phone", phone
    ):
        log.error("a customer has an index that is not their own", customer=str(customer.id))
    return phone


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
    return _reveal_code(session, callback, code, now)


def _reveal_code(session: Session, callback: Callback, code: Code, now: datetime) -> IssuedCode:
    """Audit that the agent sees the code, then decrypt it."""
    _record_session_act(session, callback, AuditAct.CODE_READ, now)
    secret = _open_code_secret(session, code)
    return IssuedCode(codes.hotp_code(secret, code.counter, code.digits), code.valid_until)


def _seal_code_secret(session: Session, code: Code, secret: str) -> None:
    key = _code_data_key(session, code)
    row = code_seal_context(code.id, code.phone_index, code.counter)
    code.secret = key.seal_field("code", "secret", row, secret)


def _open_code_secret(session: Session, code: Code) -> str:
    if code.secret is None:
        raise WrongState(VerificationErrorCode.CALL_HAS_ENDED)
    if not row_mac.is_row_intact(session, code) or not _is_latest_counter(session, code):
        log.error("a code is not as it was left", code=str(code.id))
        raise WrongState(VerificationErrorCode.CALL_TAMPERED)
    row = code_seal_context(code.id, code.phone_index, code.counter)
    return _code_data_key(session, code).open_field("code", "secret", row, code.secret)


def _is_latest_counter(session: Session, code: Code) -> bool:
    outside = CodeCounter(session, code.id, code.counter)
    return outside.allows_row_state(confirmed=code.confirmed_at is not None)


def reindex_code(session: Session, code_id: UUID) -> None:
    """Rewrite a code's blind index under the new index key, and reseal its secret, which is sealed
    to that index."""
    code = session.exec(
        select(Code)
        .where(col(Code.id) == code_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    intact = row_mac.is_row_intact(session, code) and code.secret is not None
    secret = _open_code_secret(session, code) if intact else None
    code.phone_index = keyring.current_keyring(session).to_current_form(code.phone_index)
    if secret is not None:
        _seal_code_secret(session, code, secret)
    session.add(code)
    session.flush()


def _code_data_key(session: Session, code: Code) -> field_encryption.FieldKey:
    if code.customer_id is None:
        raise WrongState(VerificationErrorCode.CALL_HAS_ENDED)
    return field_encryption.load_data_key(session, code.customer_id)


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
    return _reveal_code(session, callback, code, now)


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
    secret = _open_code_secret(session, code)
    external_counters.close_code(session, code.id, code.counter)
    code.counter += 1
    code.reissued += 1
    _seal_code_secret(session, code, secret)
    code.tries_open = code.tries_own = 0
    code.valid_from, code.valid_until = now, until
    session.add(code)
    session.flush()
    _record_session_act(session, callback, AuditAct.CODE_REISSUE, now)
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
    _record_session_act(session, callback, AuditAct.CALLBACK_END, now, detail=outcome)
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


def _close_overdue_call(session: Session, phone: str, now: datetime) -> None:
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


def lock_code_and_callback(session: Session, callback: Callback) -> Code | None:
    """Lock code and callback until the transaction ends, and reload both.

    Locks the code first, as a check does: two transactions that lock in opposite orders would
    deadlock.
    """
    code = session.exec(
        select(Code)
        .where(col(Code.callback_id) == callback.id, col(Code.closed_at).is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    session.refresh(callback, with_for_update=True)
    return code


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


def close_codes(session: Session, which: ColumnElement[bool], now: datetime) -> None:
    """Close these codes for good: clear their sealed columns, and record in the external counters
    that they are closed."""
    closed = session.connection().execute(
        update(Code)
        .where(which, col(Code.closed_at).is_(None))
        .values(closed_at=now, secret=None, reply_word=None, unmet=None, bound=None)
        .returning(col(Code.id), col(Code.counter))
    )
    for row, counter in closed.all():
        external_counters.close_code(session, row, counter)


@dataclass(frozen=True)
class CallStatus:
    """What an agent's screen shows of a call in progress. Holds no personal data."""

    state: CallbackState
    valid_until: datetime | None
    tries_left: int
    can_reissue: bool
    confirmed_at: datetime | None
    confirmed_by: str | None
    reply_word: str


def call_status(session: Session, callback: Callback) -> CallStatus:
    """Return the current status of the call."""
    code = find_open_code(session, callback.id)
    word = ""
    if code is not None and code.reply_word is not None and row_mac.is_row_intact(session, code):
        key = field_encryption.load_data_key(session, callback.customer_id)
        word = key.open_field("code", "reply_word", code.id, code.reply_word)
    return CallStatus(
        state=CallbackState(callback.state),
        valid_until=code.valid_until if code else None,
        tries_left=max(0, MAX_TRIES - code.tries_open) if code else 0,
        can_reissue=bool(code and code.reissued < MAX_REISSUES),
        confirmed_at=callback.confirmed_at,
        confirmed_by=callback.confirmed_by,
        reply_word=word,
    )


def find_open_code(session: Session, callback_id: UUID) -> Code | None:
    """Return the open code of a callback."""
    return session.exec(
        select(Code).where(col(Code.callback_id) == callback_id, col(Code.closed_at).is_(None))
    ).first()


def is_code_bound_to(session: Session, callback: Callback, phone: str) -> bool:
    """Return whether the open code's MAC holds and the code is for this number (E.164)."""
    code = find_open_code(session, callback.id)
    if code is None or not row_mac.is_row_intact(session, code):
        return False
    return code.phone_index in keyring.current_keyring(session).compute_search_forms("phone", phone)


def find_active_call(session: Session, phone: str, now: datetime) -> Callback | None:
    """Return the call in progress with this number (E.164), for the answer to CHECK."""
    row = session.exec(
        select(Callback, Code).where(
            col(Code.phone_index).in_(
                keyring.current_keyring(session).compute_search_forms("phone", phone)
            ),
            col(Code.closed_at).is_(None),
            col(Code.callback_id) == col(Callback.id),
            col(Callback.ends_at) > now,
        )
    ).first()
    if row is None:
        return None
    callback, code = row
    intact = row_mac.is_row_intact(session, callback) and row_mac.is_row_intact(session, code)
    live = (
        intact
        and CallbackState(callback.state) in LIVE_STATES
        and callback.customer_id == code.customer_id
    )
    return callback if live and _is_latest_counter(session, code) else None


def _record_session_act(
    session: Session, callback: Callback, action: AuditAct, now: datetime, detail: str = ""
) -> None:
    audit_log.record_act(
        session,
        audit_log.staff_actor(callback.agent_id),
        action,
        now,
        customer_id=callback.customer_id,
        callback_id=callback.id,
        purpose="in the call",
        detail=detail,
    )
