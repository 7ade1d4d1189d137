"""The check: was this code given to the owner of this number by one of our callers?

Runs three statements whatever the answer, each compiled once: find and lock the row, write the
attempt to it, write the audit entry. A number that nobody is calling is checked against a decoy
row, so that it takes the same statements on the same amount of data (rule C5). The lock serializes
all attempts at one code over all processes: SELECT … FOR UPDATE on PostgreSQL, the single writer on
SQLite (rules C3, C4). Numbers that share a decoy would wait for each other and numbers being called
would not, which would show in the time; so each check locks a queue row first, and numbers share
queue rows as they share decoys.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, case, func, select, update

from people import row_mac
from people.models import Customer, Staff
from people.staff import staff_records
from people.text_input import first_name
from scheduling.models import Callback
from scheduling.states import CallbackState
from storage.compiled_statements import CompiledStatement
from storage.session import UnitOfWork
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.external_counters import CodeCounter
from vault.keys import field_encryption, keyring
from vault.keys.aead import generate_key, seal, unseal
from vault.keys.blind_index import STAND_IN_PREFIX, oldest_form
from vault.models import DataKey
from verification import codes, failed_checks
from verification.models import Code, code_seal_context
from verification.open_codes import MAX_TRIES
from verification.reply_words import choose_reply_word
from verification.verdicts import (
    AlreadyConfirmed,
    Channel,
    Genuine,
    NotConfirmed,
    Verdict,
)

DECOY_COUNT = 256
_CODE = Code.__table__  # type: ignore[attr-defined]
_KEY = DataKey.__table__  # type: ignore[attr-defined]
_CALLBACK = Callback.__table__  # type: ignore[attr-defined]
_CUSTOMER = Customer.__table__  # type: ignore[attr-defined]
_STAFF = Staff.__table__  # type: ignore[attr-defined]

_FIND = CompiledStatement(
    select(
        _CODE.c.id,
        _CODE.c.phone_index,
        func.coalesce(_CODE.c.callback_id, _CODE.c.id).label("callback_id"),
        func.coalesce(_CODE.c.customer_id, _CODE.c.id).label("customer_id"),
        _CODE.c.callback_id.is_(None).label("is_decoy"),
        case(
            (_CODE.c.callback_id.is_(None), bindparam("decoy_secret", type_=_CODE.c.secret.type)),
            else_=_CODE.c.secret,
        ).label("secret"),
        _CODE.c.digits,
        _CODE.c.counter,
        _CODE.c.reissued,
        _CODE.c.valid_from,
        _CODE.c.valid_until,
        _CODE.c.tries_open,
        _CODE.c.tries_own,
        _CODE.c.tries_ignored,
        _CODE.c.confirmed_at,
        _CODE.c.confirmed_by,
        _CODE.c.reply_word,
        _CODE.c.unmet,
        _CODE.c.closed_at,
        _CODE.c.bound,
        case(
            (_CODE.c.callback_id.is_(None), bindparam("decoy_wrapped", type_=_KEY.c.wrapped.type)),
            else_=_KEY.c.wrapped,
        ).label("wrapped"),
    )
    # A decoy has no customer: the join uses its own id, which owns no key.
    .select_from(
        _CODE.outerjoin(_KEY, _KEY.c.owner_id == func.coalesce(_CODE.c.customer_id, _CODE.c.id))
    )
    .where(
        _CODE.c.phone_index.in_(
            [bindparam(name) for name in ("index", "former", "decoy", "queue")]
        ),
        _CODE.c.closed_at.is_(None),
    )
    .order_by(
        case(
            (_CODE.c.phone_index == bindparam("queue"), 0),
            (_CODE.c.callback_id.is_not(None), 1),
            else_=2,
        )
    )
    .limit(2)
    .with_for_update(of=_CODE)
)
_WRITE = CompiledStatement(
    update(_CODE)
    .where(_CODE.c.id == bindparam("row"))
    .values(
        tries_open=bindparam("new_tries_open"),
        tries_own=bindparam("new_tries_own"),
        tries_ignored=bindparam("new_ignored"),
        confirmed_at=bindparam("new_confirmed_at"),
        confirmed_by=bindparam("new_confirmed_by"),
        reply_word=bindparam("new_reply_word"),
        unmet=bindparam("new_unmet"),
        bound=bindparam("new_bound"),
    )
)
_CONFIRM = CompiledStatement(
    update(_CALLBACK)
    .where(_CALLBACK.c.id == bindparam("row"), _CALLBACK.c.state == CallbackState.STARTED)
    .values(
        state=CallbackState.CONFIRMED,
        confirmed_at=bindparam("new_confirmed_at"),
        confirmed_by=bindparam("new_confirmed_by"),
        bound=bindparam("new_bound"),
    )
    .returning(_CALLBACK.c.id)
)
_CALLBACK_DETAILS = CompiledStatement(
    select(
        *_CALLBACK.c,
        _STAFF.c.name,
        _CUSTOMER.c.locale,
        _CUSTOMER.c.timezone,
    )
    .select_from(
        _CALLBACK.join(_STAFF, _STAFF.c.id == _CALLBACK.c.agent_id).join(
            _CUSTOMER, _CUSTOMER.c.id == _CALLBACK.c.customer_id
        )
    )
    .where(_CALLBACK.c.id == bindparam("row"))
)


def decoy_index(phone_index: bytes) -> bytes:
    """Return the blind index of the decoy row that is used for a number."""
    return STAND_IN_PREFIX + b"\0" + phone_index[-1:]


def queue_index(phone_index: bytes) -> bytes:
    """Return the blind index of the queue row on which checks of a number wait for each other."""
    return STAND_IN_PREFIX + b"\x01" + phone_index[-1:]


def check_code(
    session: UnitOfWork,
    phone: str,
    code: str,
    channel: Channel,
    now: datetime,
    *,
    organisation: str,
) -> Verdict:
    """Check whether one of our callers just gave ``code`` to the owner of ``phone``.

    ``phone`` is E.164; ``code`` is normalised (see :func:`codes.normalise_code`). The caller must
    commit before it answers, whatever the verdict, because the attempt counts. Raises the errors of
    the store and the vault; the answer is then *cannot check* (rule F1).
    """
    ring = keyring.current_keyring(session)
    forms = ring.compute_search_forms("phone", phone)
    row = _lock_row(session, forms)
    key = _check_data_key(session, row)
    attempt, callback = _evaluate_attempt(session, row, key, code, channel, now)
    reply_word = (
        choose_reply_word(callback.locale) if callback and attempt.outcome == "genuine" else ""
    )
    _write_attempt(session, row, key, attempt, reply_word, oldest_form(forms), channel, now)
    audit_log.record_act(
        session,
        audit_log.CUSTOMER,
        AuditAct.CHECK,
        now,
        customer_id=row.customer_id,
        callback_id=row.callback_id,
        detail=f"{channel} {attempt.outcome}",
    )
    if callback is None:
        return NotConfirmed(attempt.counted)
    if attempt.outcome == "already_confirmed":
        return AlreadyConfirmed(row.confirmed_at, Channel(row.confirmed_by), callback.timezone)
    _confirm_callback(session, callback, channel, now)
    return Genuine(
        caller=first_name(staff_records.open_staff_name(session, callback.agent_id, callback.name)),
        organisation=organisation,
        topic=field_encryption.FieldKey(key).open_field(
            "callback", "topic", row.callback_id, callback.topic
        ),
        booked_for=callback.starts_at,
        zone=callback.timezone,
        reply_word=reply_word,
        checked_at=now,
    )


def _lock_row(session: UnitOfWork, forms: Sequence[bytes]) -> Any:
    """Lock the queue row, then the row of the number's open code or else its decoy; return the
    latter. A queue row that a database writer removed or closed costs nobody their verdict."""
    queue = queue_index(forms[0])
    sought = {"index": forms[0], "former": forms[-1], "decoy": decoy_index(forms[0])}
    decoy = {
        "decoy_secret": _DECOY_SECRET,
        "decoy_wrapped": keyring.current_keyring(session).decoy_wrapped_key,
    }
    rows = _FIND.fetch_rows(session, {**sought, "queue": queue, **decoy})
    return next((row for row in rows if row.phone_index != queue), rows[-1])


@dataclass(frozen=True)
class _Attempt:
    """The counts after an attempt, and its outcome."""

    outcome: str
    open: int
    own: int
    ignored: int
    counted: bool = False
    whole: bool = True


def _evaluate_attempt(
    session: UnitOfWork, row: Any, key: bytes, code: str, channel: Channel, now: datetime
) -> tuple[_Attempt, Any]:
    """Return the outcome of an attempt, and the callback's details if the code is right.

    A row or callback whose MAC does not hold, or that is not the latest version, confirms nothing.
    """
    intact = row_mac.mac_matches(session, "code", row._asdict(), row.bound)
    outside = CodeCounter(session, row.id, row.counter)
    current = intact and outside.allows_row_state(confirmed=row.confirmed_at is not None)
    attempt = _decide_attempt(row, key, code, channel, now, whole=intact, good=current)
    if attempt.outcome == "not_confirmed":
        outside.add_wrong_try(counts=attempt.counted)
        return attempt, None
    callback = _load_callback_details(session, row, attempt.outcome)
    if callback is None:
        return _ignored_attempt(row, whole=intact), None
    outside.add_confirmation()
    return attempt, callback


def _decide_attempt(
    row: Any,
    key: bytes,
    code: str,
    channel: Channel,
    now: datetime,
    *,
    whole: bool,
    good: bool,
) -> _Attempt:
    """Decide an attempt. Computes the code for decoys and closed codes too, so that all take the
    same time; an attempt at a code that is not valid is counted apart and cannot succeed."""
    context = f"code.secret:{code_seal_context(row.id, row.phone_index, row.counter)}"
    context = _DECOY_CONTEXT if row.is_decoy else context
    secret = unseal(key, row.secret or _DECOY_SECRET, context).decode()
    digits = row.digits if whole else len(code)
    right = codes.codes_match(codes.hotp_code(secret, row.counter, digits), code)
    own = channel is Channel.TEXT
    tries = row.tries_own if own else row.tries_open
    alive = (
        good and not row.is_decoy and row.valid_from <= now < row.valid_until and tries < MAX_TRIES
    )
    if not alive:
        return _ignored_attempt(row, whole=whole)
    if right:
        outcome = "already_confirmed" if row.confirmed_at else "genuine"
        return _Attempt(outcome, row.tries_open, row.tries_own, row.tries_ignored)
    return _Attempt(
        "not_confirmed",
        row.tries_open + (not own),
        row.tries_own + own,
        row.tries_ignored,
        counted=True,
    )


def _ignored_attempt(row: Any, *, whole: bool) -> _Attempt:
    """Return an attempt that changes nothing. A row whose MAC does not hold keeps its invalid
    MAC."""
    ignored = row.tries_ignored + 1
    return _Attempt("not_confirmed", row.tries_open, row.tries_own, ignored, whole=whole)


_DECOY_KEY = field_encryption.FieldKey(generate_key())
_DECOY_CONTEXT = "decoy"
_DECOY_SECRET = seal(_DECOY_KEY.key, codes.new_code_secret().encode(), _DECOY_CONTEXT)


def _check_data_key(session: UnitOfWork, row: Any) -> bytes:
    """Return the customer's data key; for a decoy, the decoy key at the same cost."""
    owner = keyring.DECOY_OWNER if row.is_decoy else row.customer_id
    key = field_encryption.unwrap_data_key(session, row.wrapped, owner)
    return (_DECOY_KEY if row.is_decoy else key).key


def _load_callback_details(session: UnitOfWork, row: Any, outcome: str) -> Any:
    """Return the callback's details for the customer; ``None`` if its MAC does not hold or its
    state differs from that of its code."""
    callback = _CALLBACK_DETAILS.fetch_first_row(session, {"row": row.callback_id})
    if callback is None or not row_mac.mac_matches(
        session, "callback", callback._asdict(), callback.bound
    ):
        return None
    state = CallbackState.STARTED if outcome == "genuine" else CallbackState.CONFIRMED
    return callback if callback.state == state and callback.customer_id == row.customer_id else None


def _write_attempt(
    session: UnitOfWork,
    row: Any,
    key: bytes,
    attempt: _Attempt,
    word: str,
    index: bytes,
    channel: Channel,
    now: datetime,
) -> None:
    confirms = attempt.outcome == "genuine"
    fails = attempt.outcome == "not_confirmed"
    context = f"code.reply_word:{row.id}"
    changed = {
        "tries_open": attempt.open,
        "tries_own": attempt.own,
        "confirmed_at": now if confirms else row.confirmed_at,
        "confirmed_by": channel.value if confirms else row.confirmed_by,
        "reply_word": seal(key, word.encode(), context) if confirms else row.reply_word,
    }
    bound = row_mac.compute_column_mac(session, "code", {**row._asdict(), **changed})
    _WRITE.run_without_result(
        session,
        {
            "row": row.id,
            **{f"new_{name}": value for name, value in changed.items()},
            "new_ignored": attempt.ignored,
            "new_unmet": failed_checks.append_failed_check(row.unmet, index, channel, now)
            if fails
            else row.unmet,
            "new_bound": bound if attempt.whole or row.is_decoy else row.bound,
        },
    )


def _confirm_callback(session: UnitOfWork, told: Any, channel: Channel, now: datetime) -> None:
    """Set the callback to confirmed. Raises ``NoResultFound`` unless it is started, as that of an
    open code must be."""
    changed = {"state": CallbackState.CONFIRMED, "confirmed_at": now, "confirmed_by": channel.value}
    _CONFIRM.fetch_one_row(
        session,
        {
            "row": told.id,
            "new_confirmed_at": now,
            "new_confirmed_by": channel.value,
            "new_bound": row_mac.compute_column_mac(
                session, "callback", {**told._asdict(), **changed}
            ),
        },
    )
