"""Countries change the rules of their clocks: what was promised then means another instant."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from messaging import outbox
from people.models import Customer
from scheduling import callbacks
from scheduling.availability import reservations
from scheduling.booking import bookings, call_window
from scheduling.calendars import promised_local_time
from scheduling.calendars.promised_local_time import Zones
from scheduling.models import Callback, FormerTime
from scheduling.notifications import callback_notifier
from scheduling.policy import Policy
from scheduling.states import State
from vault.audit import audit_log
from vault.audit.acts import AuditAct

AT_A_TIME = 500
EVERY = timedelta(days=1)
_FIRST = UUID(int=0)


class ZoneRules:
    """A job of the worker: once a day it goes through all that is booked, a few at a time, with
    the rules that the system has by then. Any number of workers may do so."""

    def __init__(self, policy: Policy, zones: Zones = ZoneInfo) -> None:
        self._policy, self._zones = policy, zones
        self._reached, self._rests_until = _FIRST, None

    _rests_until: datetime | None

    def __call__(self, session: Session, now: datetime) -> None:
        """Go on where the last round stopped."""
        if self._rests_until is not None and now < self._rests_until:
            return
        rows = session.exec(
            select(Callback)
            .where(
                col(Callback.state) == State.BOOKED,
                col(Callback.ends_at) > now,
                col(Callback.id) > self._reached,
            )
            .order_by(col(Callback.id))
            .limit(AT_A_TIME)
        ).all()
        for callback in rows:
            if promised_local_time.instant(callback, self._zones) != callback.starts_at:
                follow(session, callback, self._policy, now, self._zones)
        self._reached = rows[-1].id if len(rows) == AT_A_TIME else _FIRST
        self._rests_until = None if len(rows) == AT_A_TIME else now + EVERY

    @property
    def __name__(self) -> str:
        return "zone_rules"


def follow(
    session: Session, callback: Callback, policy: Policy, now: datetime, zones: Zones
) -> None:
    """Move a booked callback to the instant that its promised time has become, and tell the
    customer that it stays on their clock. Where somebody else has that instant, it stays where it
    is, its new time on the clock is told, and the agent is asked to find another."""
    reservations.queue_up(session, callback.customer_id, callback.agent_id)
    locked = callbacks.locked(session, callback.id)
    if locked is None or locked.state != State.BOOKED:
        return
    outbox.withdraw(session, callback.id, now)
    if _moved(session, callback, promised_local_time.instant(callback, zones), now):
        callback_notifier.stays(session, callback, policy, now)
        return
    callback.move_asked_at = now
    promised_local_time.note(
        callback, session.get_one(Customer, callback.customer_id).timezone, zones
    )
    session.add(callback)
    callback_notifier.moved(session, callback, policy, now)


def _moved(session: Session, callback: Callback, to: datetime, now: datetime) -> bool:
    before = callback.starts_at
    try:
        with session.begin_nested():
            reservations.release(session, callback.id)
            callback.starts_at = to
            callback.ends_at = call_window.closes(to, callback.minutes)
            session.add(callback)
            session.flush()
            reservations.take(session, callback)
    except reservations.Taken:
        session.refresh(callback)
        return False
    callback.moves += 1
    session.add(
        FormerTime(callback_id=callback.id, starts_at=before, moved_at=now, moved_by="zone")
    )
    session.flush()
    bookings.record(session, callback, audit_log.SYSTEM, AuditAct.CALLBACK_FOLLOW_ZONE, now)
    return True
