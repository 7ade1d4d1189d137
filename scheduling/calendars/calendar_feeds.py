"""An agent's calendar at a secret address, for their own calendar program. No customer in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select, update

from people import row_mac
from people.credentials import new_token, token_hash
from people.models import Role, Staff
from scheduling.models import CalendarFeed, Callback
from vault.audit import audit_log
from vault.audit.acts import AuditAct

_BACK, _AHEAD, _MOST = timedelta(days=7), timedelta(days=60), 2000
_select_valid_feed = (
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
class FeedEntry:
    """A callback in a calendar: nothing but its id, times and state."""

    id: UUID
    starts_at: datetime
    minutes: int
    state: str
    moves: int


def create_feed(session: Session, staff_id: UUID, now: datetime) -> str:
    """A new secret for the address, which ends the one before; shown once."""
    revoke_feed(session, staff_id, now)
    token, epoch = new_token(), session.get_one(Staff, staff_id).epoch
    made = CalendarFeed(
        token_hash=token_hash(token), staff_id=staff_id, epoch=epoch, created_at=now
    )
    session.add(row_mac.attach_mac(session, made))
    session.flush()
    audit_log.record_act(session, audit_log.staff_actor(staff_id), AuditAct.FEED_MAKE, now)
    return token


def revoke_feed(session: Session, staff_id: UUID, now: datetime) -> None:
    """The address works no more."""
    ended = session.exec(
        update(CalendarFeed)
        .where(col(CalendarFeed.staff_id) == staff_id, col(CalendarFeed.ended_at).is_(None))
        .values(ended_at=now, bound=None)
    )
    if ended.rowcount:
        audit_log.record_act(session, audit_log.staff_actor(staff_id), AuditAct.FEED_END, now)


def find_active_feed(session: Session, staff_id: UUID) -> CalendarFeed | None:
    """The address that an agent has, without its secret."""
    return session.exec(_select_valid_feed.where(col(CalendarFeed.staff_id) == staff_id)).first()


def read_feed_entries(session: Session, token: str, now: datetime) -> Sequence[FeedEntry] | None:
    """What the calendar of that secret holds; none for one that is unknown, ended, or of somebody
    who works here no more, or not as an agent."""
    found = session.exec(
        _select_valid_feed.where(col(CalendarFeed.token_hash) == token_hash(token))
    ).first()
    if found is None or not row_mac.is_row_intact(session, found):
        return None
    if not row_mac.is_row_intact(session, session.get_one(Staff, found.staff_id)):
        return None
    found.read_at = now
    session.add(found)
    session.flush()
    return _list_feed_callbacks(session, found.staff_id, now)


def _list_feed_callbacks(session: Session, staff_id: UUID, now: datetime) -> list[FeedEntry]:
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
    return [FeedEntry(row.id, row.starts_at, row.minutes, row.state, row.moves) for row in rows]
