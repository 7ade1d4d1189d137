"""Queue of bridged calls: each is queued in the transaction of the agent's act, and stores its
state.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from messaging.call_states import OVER_STATES, CallState, furthest_state
from messaging.models import PhoneCall
from storage.column_types import new_id
from vault.keys import keyring

#: The column that stores when a state was first reported.
_STATE_INSTANT_COLUMNS = {
    CallState.AGENT_ON: "agent_on_at",
    CallState.RINGING: "ringing_at",
    CallState.ANSWERED: "answered_at",
    CallState.LIVE: "live_at",
}


def queue_call(session: Session, callback_id: UUID, agent_phone: str, now: datetime) -> PhoneCall:
    """Queue a call in the caller's transaction; a worker places it after the commit."""
    row = new_id()
    place = f"phone_call.agent_phone:{row}"
    call = PhoneCall(
        id=row,
        callback_id=callback_id,
        state=CallState.WANTED,
        agent_phone=keyring.current_keyring(session).seal_for_purpose(
            keyring.STAFF, place, agent_phone
        ),
        due_at=now,
        wanted_at=now,
    )
    session.add(call)
    session.flush()
    return call


def find_latest_call(session: Session, callback_id: UUID) -> PhoneCall | None:
    """Return the latest call of a callback."""
    return session.exec(
        select(PhoneCall)
        .where(col(PhoneCall.callback_id) == callback_id)
        .order_by(col(PhoneCall.wanted_at).desc(), col(PhoneCall.id).desc())
        .limit(1)
    ).first()


def lock_call(session: Session, call: UUID) -> PhoneCall | None:
    """Lock a call until the transaction ends, and return its row."""
    return session.get(PhoneCall, call, with_for_update=True, populate_existing=True)


def record_call_state(
    session: Session, call: PhoneCall, told: CallState, now: datetime, error: str = ""
) -> bool:
    """Record a report on a locked call; return whether it advanced the state.

    Store the instant of the first report of each state, and the lowest error code of the current
    state.
    """
    column = _STATE_INSTANT_COLUMNS.get(told)
    if column and getattr(call, column) is None:
        setattr(call, column, now)
    before, after = CallState(call.state), furthest_state(CallState(call.state), told)
    if told == after and error and (told != before or error < (call.error or "~")):
        call.error = error[:40]
    if after in OVER_STATES and call.ended_at is None:
        call.ended_at = now
    call.state = after
    session.add(call)
    session.flush()
    return after != before


def close_calls(session: Session, callback_id: UUID, now: datetime) -> None:
    """Close all calls of a callback that is over: cancel queued ones, and hang up live ones."""
    statement = (
        select(PhoneCall).where(
            col(PhoneCall.callback_id) == callback_id, col(PhoneCall.state).not_in(OVER_STATES)
        )
    ).with_for_update()
    for call in session.exec(statement).all():
        call.to_hang_up, call.due_at = call.first_tried_at is not None, now
        record_call_state(session, call, CallState.HUNG_UP, now, "called_off")
