"""The status of a call in progress, for its agent's screen and for a customer who checks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from people import row_mac
from scheduling.models import Callback
from scheduling.states import (
    LIVE_STATES,
    CallbackState,
)
from vault.keys import field_encryption, keyring
from verification.models import Code
from verification.open_codes import (
    MAX_REISSUES,
    MAX_TRIES,
    find_open_code,
    is_latest_counter,
)


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
    return callback if live and is_latest_counter(session, code) else None
