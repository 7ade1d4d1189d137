"""Adjusts bookings when a country changes its clock rules and a promised local time shifts."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from messaging import outbox
from people.models import Customer
from scheduling import callback_rows
from scheduling.availability import reservations
from scheduling.booking import call_window, callback_audit
from scheduling.calendars import promised_local_time
from scheduling.calendars.promised_local_time import ZoneLookup
from scheduling.models import Callback, FormerTime
from scheduling.notifications import callback_notifier
from scheduling.policy import Policy
from scheduling.states import CallbackState
from vault.audit import audit_log
from vault.audit.acts import AuditAct

BATCH_SIZE = 500
RUN_EVERY = timedelta(days=1)
_LOWEST_ID = UUID(int=0)


class TzdataChangesJob:
    """A job of the worker that checks all bookings once a day against current zone rules.

    It works in batches. Any number of workers may run it at the same time.
    """

    def __init__(self, policy: Policy, zones: ZoneLookup = ZoneInfo) -> None:
        self._policy, self._zones = policy, zones
        self._reached, self._rests_until = _LOWEST_ID, None

    _rests_until: datetime | None

    def __call__(self, session: Session, now: datetime) -> None:
        """Continue where the last round stopped."""
        if self._rests_until is not None and now < self._rests_until:
            return
        rows = session.exec(
            select(Callback)
            .where(
                col(Callback.state) == CallbackState.BOOKED,
                col(Callback.ends_at) > now,
                col(Callback.id) > self._reached,
            )
            .order_by(col(Callback.id))
            .limit(BATCH_SIZE)
        ).all()
        for callback in rows:
            if promised_local_time.promised_instant(callback, self._zones) != callback.starts_at:
                apply_zone_change(session, callback, self._policy, now, self._zones)
        self._reached = rows[-1].id if len(rows) == BATCH_SIZE else _LOWEST_ID
        self._rests_until = None if len(rows) == BATCH_SIZE else now + RUN_EVERY

    @property
    def __name__(self) -> str:
        return "zone_rules"


def apply_zone_change(
    session: Session, callback: Callback, policy: Policy, now: datetime, zones: ZoneLookup
) -> None:
    """Move a booked callback to the new instant of its promised time, and notify the customer.

    If that instant is reserved already, keep the old instant, text the customer its new local time,
    and ask the agent to find another slot.
    """
    reservations.lock_participants(session, callback.customer_id, callback.agent_id)
    locked = callback_rows.lock_callback(session, callback.id)
    if locked is None or locked.state != CallbackState.BOOKED:
        return
    outbox.withdraw_for_callback(session, callback.id, now)
    if _try_zone_move(
        session, callback, promised_local_time.promised_instant(callback, zones), now
    ):
        callback_notifier.notify_unchanged_local_time(session, callback, policy, now)
        return
    callback.move_asked_at = now
    promised_local_time.record_local_time(
        callback, session.get_one(Customer, callback.customer_id).timezone, zones
    )
    session.add(callback)
    callback_notifier.notify_moved(session, callback, policy, now)


def _try_zone_move(session: Session, callback: Callback, to: datetime, now: datetime) -> bool:
    before = callback.starts_at
    try:
        with session.begin_nested():
            reservations.release_slots(session, callback.id)
            callback.starts_at = to
            callback.ends_at = call_window.call_window_end(to, callback.minutes)
            session.add(callback)
            session.flush()
            reservations.reserve_slots(session, callback)
    except reservations.ReservationConflict:
        session.refresh(callback)
        return False
    callback.moves += 1
    session.add(
        FormerTime(callback_id=callback.id, starts_at=before, moved_at=now, moved_by="zone")
    )
    session.flush()
    callback_audit.record_callback_act(
        session, callback, audit_log.SYSTEM, AuditAct.CALLBACK_FOLLOW_ZONE, now
    )
    return True
