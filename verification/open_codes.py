"""The open codes of calls: their rows found, locked and closed, and their secrets sealed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select, update

from people import row_mac
from scheduling.errors import WrongState
from scheduling.models import Callback
from vault import external_counters
from vault.external_counters import CodeCounter
from vault.keys import field_encryption, keyring
from verification.error_codes import VerificationErrorCode
from verification.models import Code, code_seal_context

MAX_REISSUES = 3
MAX_TRIES = 5
log = structlog.get_logger("calls")


def seal_code_secret(session: Session, code: Code, secret: str) -> None:
    """Seal the secret under the customer's data key, bound to the code's index and counter."""
    key = _code_data_key(session, code)
    row = code_seal_context(code.id, code.phone_index, code.counter)
    code.secret = key.seal_field("code", "secret", row, secret)


def open_code_secret(session: Session, code: Code) -> str:
    """Decrypt the secret of an intact code. Raises ``WrongState``."""
    if code.secret is None:
        raise WrongState(VerificationErrorCode.CALL_HAS_ENDED)
    if not row_mac.is_row_intact(session, code) or not is_latest_counter(session, code):
        log.error("a code is not as it was left", code=str(code.id))
        raise WrongState(VerificationErrorCode.CALL_TAMPERED)
    row = code_seal_context(code.id, code.phone_index, code.counter)
    return _code_data_key(session, code).open_field("code", "secret", row, code.secret)


def is_latest_counter(session: Session, code: Code) -> bool:
    """Return whether the external counter allows the row's state: it was not set back."""
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
    secret = open_code_secret(session, code) if intact else None
    code.phone_index = keyring.current_keyring(session).to_current_form(code.phone_index)
    if secret is not None:
        seal_code_secret(session, code, secret)
    session.add(code)
    session.flush()


def _code_data_key(session: Session, code: Code) -> field_encryption.FieldKey:
    if code.customer_id is None:
        raise WrongState(VerificationErrorCode.CALL_HAS_ENDED)
    return field_encryption.load_data_key(session, code.customer_id)


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
