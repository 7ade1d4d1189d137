"""Leases queued bridged calls, and calls to hang up, to one worker at a time, and records the
outcome.

As with texts, a call whose placement is unknown is looked up before it is placed again. Unlike a
text, a call that was not placed within a minute fails, because its agent is waiting.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from messaging import call_queue, spending
from messaging.call_states import CallState
from messaging.models import PhoneCall
from messaging.providers.base import OutcomeUnknown, Rejected
from messaging.providers.voice_base import OutboundCall
from messaging.sending_limits import SendingLimits
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import keyring

PLACED_WITHIN = timedelta(seconds=60)
HANG_UP_WITHIN = timedelta(minutes=10)
LEASE = timedelta(seconds=30)
RETRY_PAUSE = timedelta(seconds=2)
#: Literal, as in the partial index, so that prepared statements can use the index.
_CALL_IS_DUE = text("(to_hang_up OR state IN ('wanted', 'dialling'))")


@dataclass(frozen=True)
class LeasedCall:
    """A call leased by a worker at its ``turn``-th try, to be placed or (``hang_up``) ended.

    ``unknown`` means that an earlier try had an unknown outcome.
    """

    id: UUID
    ring: OutboundCall
    turn: int
    wanted_at: datetime
    unknown: bool
    hang_up: bool
    agent_sid: str | None


def lease_calls(
    session: Session, rules: SendingLimits, now: datetime, limit: int = 5
) -> list[LeasedCall]:
    """Lease due calls; fail those that are too late or exceed the spending limit."""
    rows = session.exec(
        select(PhoneCall)
        .where(_CALL_IS_DUE, col(PhoneCall.due_at) <= now)
        .order_by(col(PhoneCall.due_at), col(PhoneCall.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    return [job for row in rows if (job := _lease_call(session, row, rules, now))]


def _lease_call(
    session: Session, row: PhoneCall, rules: SendingLimits, now: datetime
) -> LeasedCall | None:
    unknown = row.state == CallState.DIALLING or row.error == "unknown"
    if row.to_hang_up:
        if now >= (row.ended_at or row.wanted_at) + HANG_UP_WITHIN:
            row.to_hang_up = False
            return None
    elif now >= row.wanted_at + PLACED_WITHIN and not unknown:
        _fail_call(session, row, "too_late", now)
        return None
    elif row.first_tried_at is None and not _pay_for_call(session, rules, now):
        _fail_call(session, row, "ceiling", now)
        return None
    row.first_tried_at = row.first_tried_at or now
    row.tries, row.due_at = row.tries + 1, now + LEASE
    if not row.to_hang_up:
        row.state, row.error = CallState.DIALLING, None
        _record_call_act(session, row, AuditAct.CALL_PLACE, now)
    session.add(row)
    session.flush()
    ring = _outbound_call(session, row, row.first_tried_at)
    return LeasedCall(
        row.id, ring, row.tries, row.wanted_at, unknown, row.to_hang_up, row.agent_sid
    )


def _pay_for_call(session: Session, rules: SendingLimits, now: datetime) -> bool:
    return spending.lock_spending_budget(session, rules, now).try_spend(rules.call_price)


def _outbound_call(session: Session, row: PhoneCall, first_tried_at: datetime) -> OutboundCall:
    place = f"phone_call.agent_phone:{row.id}"
    to = keyring.current_keyring(session).open_for_purpose(keyring.STAFF, place, row.agent_phone)
    others = session.exec(
        select(PhoneCall.agent_sid).where(
            col(PhoneCall.wanted_at) > first_tried_at - timedelta(hours=1),
            col(PhoneCall.agent_sid).is_not(None),
        )
    )
    return OutboundCall(row.id, to, first_tried_at, frozenset(sid for sid in others if sid))


def record_call_placed(
    session: Session, job: LeasedCall, sid: str, state: CallState, now: datetime
) -> None:
    """Record that the provider accepted the call. Webhooks may have advanced its state already."""
    row = call_queue.lock_call(session, job.id)
    if row is None:
        return
    row.agent_sid = row.agent_sid or sid
    if not call_queue.record_call_state(session, row, state, now):
        return
    if state is not CallState.RINGING_YOU:  # a simulated agent's phone answers automatically
        row.agent_on_at = now
        session.add(row)


def record_call_not_placed(
    session: Session, job: LeasedCall, error: Exception | None, now: datetime
) -> None:
    """Record a rejected call as failed, or schedule a retry while there is time."""
    row = call_queue.lock_call(session, job.id)
    if row is None or row.state != CallState.DIALLING or row.tries != job.turn:
        return  # webhooks advanced it, or another worker leased it
    late = now >= row.wanted_at + PLACED_WITHIN
    if isinstance(error, Rejected) or late:
        _fail_call(session, row, error.code if isinstance(error, Rejected) else "too_late", now)
        return
    unknown = job.unknown or isinstance(error, OutcomeUnknown)
    row.error = "unknown" if unknown else "unavailable"
    row.state, row.due_at = CallState.WANTED, now + RETRY_PAUSE
    session.add(row)
    session.flush()


def record_call_hung_up(session: Session, job: LeasedCall) -> None:
    """Record that the call was hung up."""
    row = call_queue.lock_call(session, job.id)
    if row is not None:
        row.to_hang_up = False
        session.add(row)
        session.flush()


def _fail_call(session: Session, row: PhoneCall, error: str, now: datetime) -> None:
    # A call that was possibly placed even so is looked up and hung up.
    row.to_hang_up, row.due_at = row.first_tried_at is not None and error == "too_late", now
    call_queue.record_call_state(session, row, CallState.FAILED, now, error)
    _record_call_act(session, row, AuditAct.CALL_FAILED, now, error)


def _record_call_act(
    session: Session, row: PhoneCall, action: AuditAct, now: datetime, detail: str = ""
) -> None:
    audit_log.record_act(
        session, audit_log.SYSTEM, action, now, callback_id=row.callback_id, detail=detail
    )
