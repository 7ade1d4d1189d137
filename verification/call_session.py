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
from people import password_seal
from people.customers import customer_records
from people.errors import InvalidInput
from people.models import Customer
from scheduling.availability import reservations
from scheduling.booking import call_window, retries
from scheduling.booking.number_change_hold import require_settled
from scheduling.errors import OutsideWindow, WrongState
from scheduling.models import Callback
from scheduling.policy import Policy
from scheduling.states import LIVE, Outcome, State, require, require_move
from vault import external_counters
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.errors import Tampered
from vault.external_counters import Outside
from vault.keys import field_encryption, keyring
from verification import codes
from verification.models import Code, secret_row

MAX_REISSUES = 3
MAX_TRIES = 5
GOES_ON = "Another call to this customer's number is going on."
ALTERED = (
    "This call was changed outside Vouchline. Do not make it, and tell whoever runs the server."
)
log = structlog.get_logger("calls")


@dataclass(frozen=True)
class IssuedCode:
    """A code for its agent's eyes, good until ``valid_until``."""

    code: str
    valid_until: datetime


def start(session: Session, callback: Callback, policy: Policy, now: datetime) -> IssuedCode:
    """Begin the call inside its window: only from here on does a code exist.

    Pressed twice, it shows the code there is. Raises ``OutsideWindow`` or ``WrongState``.
    """
    lock(session, callback)
    if State(callback.state) in LIVE:
        return shown(session, callback, now)
    code = begin(session, callback, policy, now, until=until(callback, policy, now))
    return _reveal(session, callback, code, now)


def begin(
    session: Session, callback: Callback, policy: Policy, now: datetime, *, until: datetime
) -> Code:
    """Make a callback that is locked a started one, with a code that is good ``until`` then.

    Raises ``OutsideWindow`` or ``WrongState``.
    """
    require_move(State(callback.state), State.STARTED)
    if now < call_window.opens(callback.starts_at, policy.window_lead_minutes):
        raise OutsideWindow(
            f"Too early: start at most {policy.window_lead_minutes} minutes before the booked time."
        )
    if now >= callback.ends_at:
        raise OutsideWindow("Too late: the booked time is over. Book a new callback.")
    keyring.hold_index(session)
    require_whole(session, callback)
    customer = session.get_one(Customer, callback.customer_id)
    require_settled(session, customer, now)
    phone = _opened_phone(session, customer)
    _close_forgotten(session, phone, now)
    outbox.withdraw(session, callback.id, now, outbox.REMINDER)
    code = _new_row(session, callback, phone, policy, now, until)
    callback.state, callback.started_at = State.STARTED, now
    callback.earlier_wanted_at = None
    session.add(callback)
    session.flush()
    _record(session, callback, AuditAct.CALLBACK_START, now)
    return code


def _new_row(
    session: Session,
    callback: Callback,
    phone: str,
    policy: Policy,
    now: datetime,
    until: datetime,
) -> Code:
    """A code is bound to the number that was opened, never to what the customer's index says."""
    code = Code(
        phone_index=keyring.of(session).blind_index("phone", phone),
        callback_id=callback.id,
        customer_id=callback.customer_id,
        digits=policy.code_digits,
        valid_from=now,
        valid_until=until,
    )
    _seal(session, code, codes.new_secret())
    try:
        with session.begin_nested():
            session.add(code)
            session.flush()
    except IntegrityError:
        raise WrongState(GOES_ON) from None
    return code


def require_whole(session: Session, callback: Callback) -> None:
    """Raises ``WrongState`` for a callback that somebody changed past us: who could write to the
    database must choose no customer, agent, time or state."""
    if not password_seal.holds(session, callback):
        log.error("a callback is not as it was left", callback=str(callback.id))
        raise WrongState(ALTERED)


def _opened_phone(session: Session, customer: Customer) -> str:
    """The number to bind a code to, whatever index the customer's row has by now. Raises
    ``WrongState`` where it does not open."""
    try:
        phone = customer_records.open_phone(
            field_encryption.data_key(session, customer.id), customer
        )
    except Tampered:
        raise WrongState(ALTERED) from None
    if customer.phone_index not in keyring.of(session).forms("phone", phone):
        log.error("a customer has an index that is not their own", customer=str(customer.id))
    return phone


def until(callback: Callback, policy: Policy, now: datetime) -> datetime:
    """How long a code made now is good (rule C2)."""
    return min(now + timedelta(minutes=policy.code_minutes), callback.ends_at)


def shown(session: Session, callback: Callback, now: datetime) -> IssuedCode:
    """The code of a started call, for its agent. Raises ``WrongState`` once it is no more good."""
    require(State(callback.state), *LIVE)
    require_whole(session, callback)
    code = code_of(session, callback.id)
    if code is None or now >= code.valid_until:
        raise WrongState("The check number has run out. Ask for a new one.")
    return _reveal(session, callback, code, now)


def _reveal(session: Session, callback: Callback, code: Code, now: datetime) -> IssuedCode:
    """Write down that the agent sees the code, then open it."""
    _record(session, callback, AuditAct.CODE_READ, now)
    secret = _open(session, code)
    return IssuedCode(codes.at(secret, code.counter, code.digits), code.valid_until)


def _seal(session: Session, code: Code, secret: str) -> None:
    key = _key(session, code)
    row = secret_row(code.id, code.phone_index, code.counter)
    code.secret = key.seal("code", "secret", row, secret)


def _open(session: Session, code: Code) -> str:
    if code.secret is None:
        raise WrongState("This call has ended.")
    if not password_seal.holds(session, code) or not _is_latest(session, code):
        log.error("a code is not as it was left", code=str(code.id))
        raise WrongState(ALTERED)
    row = secret_row(code.id, code.phone_index, code.counter)
    return _key(session, code).open("code", "secret", row, code.secret)


def _is_latest(session: Session, code: Code) -> bool:
    outside = Outside(session, code.id, code.counter)
    return outside.may_be(confirmed=code.confirmed_at is not None)


def reindex(session: Session, code_id: UUID) -> None:
    """Bring a code to the new index key, and with it its secret, which is sealed to its number."""
    code = session.exec(
        select(Code)
        .where(col(Code.id) == code_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    whole = password_seal.holds(session, code) and code.secret is not None
    secret = _open(session, code) if whole else None
    code.phone_index = keyring.of(session).anew(code.phone_index)
    if secret is not None:
        _seal(session, code, secret)
    session.add(code)
    session.flush()


def _key(session: Session, code: Code) -> field_encryption.FieldKey:
    if code.customer_id is None:
        raise WrongState("This call has ended.")
    return field_encryption.data_key(session, code.customer_id)


def reissue(session: Session, callback: Callback, policy: Policy, now: datetime) -> IssuedCode:
    """A new code for the same call, with fresh tries; the old one is dead at once.

    Three at the most for a callback. Raises ``WrongState`` or ``OutsideWindow``; of a bridged
    call also while the customer is not on the phone.
    """
    lock(session, callback)
    bridged = call_queue.latest(session, callback.id)
    live = bridged is None or (
        bridged.state == CallState.LIVE and password_seal.holds(session, bridged)
    )
    if not live:
        require(State(callback.state), State.STARTED)
        raise WrongState("The customer is not on the phone.")
    code = renew(session, callback, now, until=until(callback, policy, now))
    return _reveal(session, callback, code, now)


def renew(session: Session, callback: Callback, now: datetime, *, until: datetime) -> Code:
    """The next code of a started call, good ``until`` then. Raises as :func:`reissue`."""
    code = lock(session, callback)
    require(State(callback.state), State.STARTED)
    if code is None:
        raise WrongState("This call has ended.")
    if code.reissued >= MAX_REISSUES:
        raise WrongState(
            "This callback has had its three new check numbers. End the call and book another."
        )
    if now >= callback.ends_at:
        raise OutsideWindow("The booked time is over. End the call and book another.")
    require_whole(session, callback)
    secret = _open(session, code)
    external_counters.close(session, code.id, code.counter)
    code.counter += 1
    code.reissued += 1
    _seal(session, code, secret)
    code.tries_open = code.tries_own = 0
    code.valid_from, code.valid_until = now, until
    session.add(code)
    session.flush()
    _record(session, callback, AuditAct.CODE_REISSUE, now)
    return code


def wake(session: Session, callback: Callback, policy: Policy, now: datetime) -> None:
    """The customer is on the phone: from now on their code is good."""
    code = lock(session, callback)
    if code is not None:
        code.valid_from, code.valid_until = now, until(callback, policy, now)
        session.add(code)
        session.flush()


def silence(session: Session, callback: Callback, now: datetime) -> None:
    """Nobody is on the phone any more: the code is dead, seen or not."""
    code = lock(session, callback)
    if code is not None and code.valid_until > now:
        code.valid_until = now
        session.add(code)
        session.flush()


def end(
    session: Session, callback: Callback, outcome: str, policy: Policy, now: datetime
) -> Callback | None:
    """End the call: its code is dead and its secret destroyed. Gives the next callback where the
    customer was not reached and the plan has one. Raises ``WrongState``, or ``InvalidInput`` for
    an outcome we do not know."""
    if outcome not in set(Outcome):
        raise InvalidInput("outcome", f"The outcome is one of: {', '.join(Outcome)}.")
    lock(session, callback)
    _finish(session, callback, outcome, now)
    _record(session, callback, AuditAct.CALLBACK_END, now, detail=outcome)
    return retries.follow(session, callback, policy, now)


def end_by_provider(
    session: Session, callback: Callback, outcome: Outcome, policy: Policy, now: datetime
) -> None:
    """End a started call on the provider's word."""
    lock(session, callback)
    _finish(session, callback, outcome, now)
    audit_log.record(
        session,
        audit_log.PROVIDER,
        AuditAct.CALLBACK_END,
        now,
        customer_id=callback.customer_id,
        callback_id=callback.id,
        detail=outcome,
    )
    retries.follow(session, callback, policy, now)


def end_forgotten(session: Session, now: datetime) -> None:
    """Close calls whose window is over and whose agent did not say so (a job of the worker)."""
    rows = session.exec(
        select(Callback)
        .where(col(Callback.state).in_(LIVE), col(Callback.ends_at) <= now)
        .limit(50)
    ).all()
    for callback in sorted(rows, key=lambda each: each.id):
        _end_if_forgotten(session, callback, now)


def _close_forgotten(session: Session, phone: str, now: datetime) -> None:
    """Closes a call to the same number whose window is over. Raises ``WrongState`` for one that
    goes on under the former index key, which the table does not keep apart."""
    forms = keyring.of(session).forms("phone", phone)
    row = session.exec(
        select(Callback).where(
            col(Code.phone_index).in_(forms),
            col(Code.closed_at).is_(None),
            col(Code.callback_id) == col(Callback.id),
        )
    ).first()
    if row is None:
        return
    _end_if_forgotten(session, row, now)
    if len(forms) > 1 and State(row.state) in LIVE:
        raise WrongState(GOES_ON)


def _end_if_forgotten(session: Session, callback: Callback, now: datetime) -> None:
    lock(session, callback)
    if State(callback.state) in LIVE and callback.ends_at <= now:
        _finish_unsaid(session, callback, now)


def lock(session: Session, callback: Callback) -> Code | None:
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


def _finish_unsaid(session: Session, callback: Callback, now: datetime) -> None:
    confirmed = State(callback.state) is State.CONFIRMED
    outcome = Outcome.REACHED if confirmed else Outcome.NOT_CONFIRMED
    _finish(session, callback, outcome, now)
    audit_log.record(
        session,
        audit_log.SYSTEM,
        AuditAct.CALLBACK_END,
        now,
        customer_id=callback.customer_id,
        callback_id=callback.id,
        detail=f"{outcome}, window over",
    )


def _finish(session: Session, callback: Callback, outcome: str, now: datetime) -> None:
    require_move(State(callback.state), State.ENDED)
    callback.state, callback.ended_at, callback.outcome = State.ENDED, now, outcome
    session.add(callback)
    session.flush()
    close_codes(session, col(Code.callback_id) == callback.id, now)
    call_queue.close(session, callback.id, now)
    reservations.release(session, callback.id)


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
        external_counters.close(session, row, counter)


@dataclass(frozen=True)
class Live:
    """What an agent's screen shows of a call that is going on. No personal data in it."""

    state: State
    valid_until: datetime | None
    tries_left: int
    can_reissue: bool
    confirmed_at: datetime | None
    confirmed_by: str | None
    reply_word: str


def live(session: Session, callback: Callback) -> Live:
    """The state of the call now."""
    code = code_of(session, callback.id)
    word = ""
    if code is not None and code.reply_word is not None and password_seal.holds(session, code):
        key = field_encryption.data_key(session, callback.customer_id)
        word = key.open("code", "reply_word", code.id, code.reply_word)
    return Live(
        state=State(callback.state),
        valid_until=code.valid_until if code else None,
        tries_left=max(0, MAX_TRIES - code.tries_open) if code else 0,
        can_reissue=bool(code and code.reissued < MAX_REISSUES),
        confirmed_at=callback.confirmed_at,
        confirmed_by=callback.confirmed_by,
        reply_word=word,
    )


def code_of(session: Session, callback_id: UUID) -> Code | None:
    """The open code of a callback."""
    return session.exec(
        select(Code).where(col(Code.callback_id) == callback_id, col(Code.closed_at).is_(None))
    ).first()


def is_bound_to(session: Session, callback: Callback, phone: str) -> bool:
    """Whether the open code of a callback is as we left it, and for this very number (E.164)."""
    code = code_of(session, callback.id)
    if code is None or not password_seal.holds(session, code):
        return False
    return code.phone_index in keyring.of(session).forms("phone", phone)


def ringing_now(session: Session, phone: str, now: datetime) -> Callback | None:
    """The call that is going on with this number, for the answer to CHECK."""
    found = session.exec(
        select(Callback, Code).where(
            col(Code.phone_index).in_(keyring.of(session).forms("phone", phone)),
            col(Code.closed_at).is_(None),
            col(Code.callback_id) == col(Callback.id),
            col(Callback.ends_at) > now,
        )
    ).first()
    if found is None:
        return None
    callback, code = found
    whole = password_seal.holds(session, callback) and password_seal.holds(session, code)
    live = whole and State(callback.state) in LIVE and callback.customer_id == code.customer_id
    return callback if live and _is_latest(session, code) else None


def _record(
    session: Session, callback: Callback, action: AuditAct, now: datetime, detail: str = ""
) -> None:
    audit_log.record(
        session,
        audit_log.staff(callback.agent_id),
        action,
        now,
        customer_id=callback.customer_id,
        callback_id=callback.id,
        purpose="in the call",
        detail=detail,
    )
