"""An agent's calendar at a secret address, for their own calendar program. No customer in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select, update

from people import password_seal
from people.credentials import new_token, token_hash
from people.models import Role, Staff
from scheduling.models import CalendarFeed, Callback
from vault.audit import audit_log
from vault.audit.acts import AuditAct

_BACK, _AHEAD, _MOST = timedelta(days=7), timedelta(days=60), 2000
_good = (
    select(CalendarFeed)
    .join(Staff, col(Staff.id) == col(CalendarFeed.staff_id))
    .where(
        col(CalendarFeed.ended_at).is_(None),
        col(CalendarFeed.epoch) == col(Staff.epoch),
        col(Staff.active).is_(True),
        col(Staff.role) == Role.AGENT,
    )
)


@dataclass(frozen=True)
class Entry:
    """A callback in a calendar: nothing but its id, times and state."""

    id: UUID
    starts_at: datetime
    minutes: int
    state: str
    moves: int


def make(session: Session, staff_id: UUID, now: datetime) -> str:
    """A new secret for the address, which ends the one before; shown once."""
    end(session, staff_id, now)
    token, epoch = new_token(), session.get_one(Staff, staff_id).epoch
    made = CalendarFeed(
        token_hash=token_hash(token), staff_id=staff_id, epoch=epoch, created_at=now
    )
    session.add(password_seal.bind(session, made))
    session.flush()
    audit_log.record(session, audit_log.staff(staff_id), AuditAct.FEED_MAKE, now)
    return token


def end(session: Session, staff_id: UUID, now: datetime) -> None:
    """The address works no more."""
    ended = session.exec(
        update(CalendarFeed)
        .where(col(CalendarFeed.staff_id) == staff_id, col(CalendarFeed.ended_at).is_(None))
        .values(ended_at=now, bound=None)
    )
    if ended.rowcount:
        audit_log.record(session, audit_log.staff(staff_id), AuditAct.FEED_END, now)


def current(session: Session, staff_id: UUID) -> CalendarFeed | None:
    """The address that an agent has, without its secret."""
    return session.exec(_good.where(col(CalendarFeed.staff_id) == staff_id)).first()


def read(session: Session, token: str, now: datetime) -> Sequence[Entry] | None:
    """What the calendar of that secret holds; none for one that is unknown, ended, or of somebody
    who works here no more, or not as an agent."""
    found = session.exec(_good.where(col(CalendarFeed.token_hash) == token_hash(token))).first()
    if found is None or not password_seal.holds(session, found):
        return None
    if not password_seal.holds(session, session.get_one(Staff, found.staff_id)):
        return None
    found.read_at = now
    session.add(found)
    session.flush()
    return _entries(session, found.staff_id, now)


def _entries(session: Session, staff_id: UUID, now: datetime) -> list[Entry]:
    rows = session.exec(
        select(Callback)
        .where(
            col(Callback.agent_id) == staff_id,
            col(Callback.starts_at) > now - _BACK,
            col(Callback.starts_at) < now + _AHEAD,
        )
        .order_by(col(Callback.starts_at))
        .limit(_MOST)
    )
    return [Entry(row.id, row.starts_at, row.minutes, row.state, row.moves) for row in rows]
