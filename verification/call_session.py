"""The call itself: Start makes the code, a new code kills the old, End closes it (rule C2)."""

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
from verification.models import Code, code_seal_context

MAX_REISSUES = 3
MAX_TRIES = 5
ANOTHER_CALL_MESSAGE = "Another call to this customer's number is going on."
TAMPERED_MESSAGE = (
    "This call was changed outside Vouchline. Do not make it, and tell whoever runs the server."
)
log = structlog.get_logger("calls")


@dataclass(frozen=True)
class IssuedCode:
    """A code for its agent's eyes, good until ``valid_until``."""

    code: str
    valid_until: datetime


def start_call(session: Session, callback: Callback, policy: Policy, now: datetime) -> IssuedCode:
    """Begin the call inside its window: only from here on does a code exist.

    Pressed twice, it shows the code there is. Raises ``OutsideWindow`` or ``WrongState``.
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
    """Make a callback that is locked a started one, with a code that is good ``until`` then.

    Raises ``OutsideWindow`` or ``WrongState``.
    """
    require_transition(CallbackState(callback.state), CallbackState.STARTED)
    if now < call_window.call_window_start(callback.starts_at, policy.window_lead_minutes):
        raise OutsideWindow(
            f"Too early: start at most {policy.window_lead_minutes} minutes before the booked time."
        )
    if now >= callback.ends_at:
        raise OutsideWindow("Too late: the booked time is over. Book a new callback.")
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
    """A code is bound to the number that was opened, never to what the customer's index says."""
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
        raise WrongState(ANOTHER_CALL_MESSAGE) from None
    return code


def require_intact_callback(session: Session, callback: Callback) -> None:
    """Raises ``WrongState`` for a callback that somebody changed past us: who could write to the
    database must choose no customer, agent, time or state."""
    if not row_mac.is_row_intact(session, callback):
        log.error("a callback is not as it was left", callback=str(callback.id))
        raise WrongState(TAMPERED_MESSAGE)


def _open_bound_phone(session: Session, customer: Customer) -> str:
    """The number to bind a code to, whatever index the customer's row has by now. Raises
    ``WrongState`` where it does not open."""
    try:
        phone = customer_records.open_phone(
            field_encryption.load_data_key(session, customer.id), customer
        )
    except Tampered:
        raise WrongState(TAMPERED_MESSAGE) from None
    if customer.phone_index not in keyring.current_keyring(session).compute_search_forms(
        "phone", phone
    ):
        log.error("a customer has an index that is not their own", customer=str(customer.id))
    return phone


def code_expiry(callback: Callback, policy: Policy, now: datetime) -> datetime:
    """How long a code made now is good (rule C2)."""
    return min(now + timedelta(minutes=policy.code_minutes), callback.ends_at)


def current_code(session: Session, callback: Callback, now: datetime) -> IssuedCode:
    """The code of a started call, for its agent. Raises ``WrongState`` once it is no more good."""
    require_state(CallbackState(callback.state), *LIVE_STATES)
    require_intact_callback(session, callback)
    code = find_open_code(session, callback.id)
    if code is None or now >= code.valid_until:
        raise WrongState("The check number has run out. Ask for a new one.")
    return _reveal_code(session, callback, code, now)


def _reveal_code(session: Session, callback: Callback, code: Code, now: datetime) -> IssuedCode:
    """Write down that the agent sees the code, then open it."""
    _record_session_act(session, callback, AuditAct.CODE_READ, now)
    secret = _open_code_secret(session, code)
    return IssuedCode(codes.hotp_code(secret, code.counter, code.digits), code.valid_until)


def _seal_code_secret(session: Session, code: Code, secret: str) -> None:
    key = _code_data_key(session, code)
    row = code_seal_context(code.id, code.phone_index, code.counter)
    code.secret = key.seal_field("code", "secret", row, secret)


def _open_code_secret(session: Session, code: Code) -> str:
    if code.secret is None:
        raise WrongState("This call has ended.")
    if not row_mac.is_row_intact(session, code) or not _is_latest_counter(session, code):
        log.error("a code is not as it was left", code=str(code.id))
        raise WrongState(TAMPERED_MESSAGE)
    row = code_seal_context(code.id, code.phone_index, code.counter)
    return _code_data_key(session, code).open_field("code", "secret", row, code.secret)


def _is_latest_counter(session: Session, code: Code) -> bool:
    outside = CodeCounter(session, code.id, code.counter)
    return outside.allows_row_state(confirmed=code.confirmed_at is not None)


def reindex_code(session: Session, code_id: UUID) -> None:
    """Bring a code to the new index key, and with it its secret, which is sealed to its number."""
    code = session.exec(
        select(Code)
        .where(col(Code.id) == code_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    whole = row_mac.is_row_intact(session, code) and code.secret is not None
    secret = _open_code_secret(session, code) if whole else None
    code.phone_index = keyring.current_keyring(session).to_current_form(code.phone_index)
    if secret is not None:
        _seal_code_secret(session, code, secret)
    session.add(code)
    session.flush()


def _code_data_key(session: Session, code: Code) -> field_encryption.FieldKey:
    if code.customer_id is None:
        raise WrongState("This call has ended.")
    return field_encryption.load_data_key(session, code.customer_id)


def reissue_code(session: Session, callback: Callback, policy: Policy, now: datetime) -> IssuedCode:
    """A new code for the same call, with fresh tries; the old one is dead at once.

    Three at the most for a callback. Raises ``WrongState`` or ``OutsideWindow``; of a bridged
    call also while the customer is not on the phone.
    """
    lock_code_and_callback(session, callback)
    bridged = call_queue.find_latest_call(session, callback.id)
    live = bridged is None or (
        bridged.state == CallState.LIVE and row_mac.is_row_intact(session, bridged)
    )
    if not live:
        require_state(CallbackState(callback.state), CallbackState.STARTED)
        raise WrongState("The customer is not on the phone.")
    code = rotate_code(session, callback, now, until=code_expiry(callback, policy, now))
    return _reveal_code(session, callback, code, now)


def rotate_code(session: Session, callback: Callback, now: datetime, *, until: datetime) -> Code:
    """The next code of a started call, good ``until`` then. Raises as :func:`reissue_code`."""
    code = lock_code_and_callback(session, callback)
    require_state(CallbackState(callback.state), CallbackState.STARTED)
    if code is None:
        raise WrongState("This call has ended.")
    if code.reissued >= MAX_REISSUES:
        raise WrongState(
            "This callback has had its three new check numbers. End the call and book another."
        )
    if now >= callback.ends_at:
        raise OutsideWindow("The booked time is over. End the call and book another.")
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
    """The customer is on the phone: from now on their code is good."""
    code = lock_code_and_callback(session, callback)
    if code is not None:
        code.valid_from, code.valid_until = now, code_expiry(callback, policy, now)
        session.add(code)
        session.flush()


def deactivate_code(session: Session, callback: Callback, now: datetime) -> None:
    """Nobody is on the phone any more: the code is dead, seen or not."""
    code = lock_code_and_callback(session, callback)
    if code is not None and code.valid_until > now:
        code.valid_until = now
        session.add(code)
        session.flush()


def end_call(
    session: Session, callback: Callback, outcome: str, policy: Policy, now: datetime
) -> Callback | None:
    """End the call: its code is dead and its secret destroyed. Gives the next callback where the
    customer was not reached and the plan has one. Raises ``WrongState``, or ``InvalidInput`` for
    an outcome we do not know."""
    if outcome not in set(CallOutcome):
        raise InvalidInput("outcome", f"The outcome is one of: {', '.join(CallOutcome)}.")
    lock_code_and_callback(session, callback)
    _finish_call(session, callback, outcome, now)
    _record_session_act(session, callback, AuditAct.CALLBACK_END, now, detail=outcome)
    return retries.book_retry(session, callback, policy, now)


def end_call_by_provider(
    session: Session, callback: Callback, outcome: CallOutcome, policy: Policy, now: datetime
) -> None:
    """End a started call on the provider's word."""
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
    """Close calls whose window is over and whose agent did not say so (a job of the worker)."""
    rows = session.exec(
        select(Callback)
        .where(col(Callback.state).in_(LIVE_STATES), col(Callback.ends_at) <= now)
        .limit(50)
    ).all()
    for callback in sorted(rows, key=lambda each: each.id):
        _end_if_overdue(session, callback, now)


def _close_overdue_call(session: Session, phone: str, now: datetime) -> None:
    """Closes a call to the same number whose window is over. Raises ``WrongState`` for one that
    goes on under the former index key, which the table does not keep apart."""
    forms = keyring.current_keyring(session).compute_search_forms("phone", phone)
    row = session.exec(
        select(Callback).where(
            col(Code.phone_index).in_(forms),
            col(Code.closed_at).is_(None),
            col(Code.callback_id) == col(Callback.id),
        )
    ).first()
    if row is None:
        return
    _end_if_overdue(session, row, now)
    if len(forms) > 1 and CallbackState(row.state) in LIVE_STATES:
        raise WrongState(ANOTHER_CALL_MESSAGE)


def _end_if_overdue(session: Session, callback: Callback, now: datetime) -> None:
    lock_code_and_callback(session, callback)
    if CallbackState(callback.state) in LIVE_STATES and callback.ends_at <= now:
        _finish_overdue_call(session, callback, now)


def lock_code_and_callback(session: Session, callback: Callback) -> Code | None:
    """Keep code and callback from changing until the transaction ends, and read both anew.

    Always in this order, the code first, as a check does: two that lock in opposite orders
    would wait for each other.
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
    """Close these codes for good: no mark is left on their rows, and what was counted outside the
    database says that they are over."""
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
    """What an agent's screen shows of a call that is going on. No personal data in it."""

    state: CallbackState
    valid_until: datetime | None
    tries_left: int
    can_reissue: bool
    confirmed_at: datetime | None
    confirmed_by: str | None
    reply_word: str


def call_status(session: Session, callback: Callback) -> CallStatus:
    """The state of the call now."""
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
    """The open code of a callback."""
    return session.exec(
        select(Code).where(col(Code.callback_id) == callback_id, col(Code.closed_at).is_(None))
    ).first()


def is_code_bound_to(session: Session, callback: Callback, phone: str) -> bool:
    """Whether the open code of a callback is as we left it, and for this very number (E.164)."""
    code = find_open_code(session, callback.id)
    if code is None or not row_mac.is_row_intact(session, code):
        return False
    return code.phone_index in keyring.current_keyring(session).compute_search_forms("phone", phone)


def find_active_call(session: Session, phone: str, now: datetime) -> Callback | None:
    """The call that is going on with this number, for the answer to CHECK."""
    found = session.exec(
        select(Callback, Code).where(
            col(Code.phone_index).in_(
                keyring.current_keyring(session).compute_search_forms("phone", phone)
            ),
            col(Code.closed_at).is_(None),
            col(Code.callback_id) == col(Callback.id),
            col(Callback.ends_at) > now,
        )
    ).first()
    if found is None:
        return None
    callback, code = found
    whole = row_mac.is_row_intact(session, callback) and row_mac.is_row_intact(session, code)
    live = (
        whole
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
