"""Calendar feeds of agents at a secret address, for calendar programs. No customer data."""

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
    """A callback in a calendar feed: only its id, times and state."""

    id: UUID
    starts_at: datetime
    minutes: int
    state: str
    moves: int


def create_feed(session: Session, staff_id: UUID, now: datetime) -> str:
    """Create a feed, revoke the previous one, and return the secret token, which is shown once."""
    revoke_feed(session, staff_id, now)
    token, epoch = new_token(), session.get_one(Staff, staff_id).epoch
    feed = CalendarFeed(
        token_hash=token_hash(token), staff_id=staff_id, epoch=epoch, created_at=now
    )
    session.add(row_mac.attach_mac(session, feed))
    session.flush()
    audit_log.record_act(session, audit_log.staff_actor(staff_id), AuditAct.FEED_MAKE, now)
    return token


def revoke_feed(session: Session, staff_id: UUID, now: datetime) -> None:
    """Revoke the agent's feed."""
    ended = session.exec(
        update(CalendarFeed)
        .where(col(CalendarFeed.staff_id) == staff_id, col(CalendarFeed.ended_at).is_(None))
        .values(ended_at=now, bound=None)
    )
    if ended.rowcount:
        audit_log.record_act(session, audit_log.staff_actor(staff_id), AuditAct.FEED_END, now)


def find_active_feed(session: Session, staff_id: UUID) -> CalendarFeed | None:
    """Return an agent's active feed, without its secret."""
    return session.exec(_select_valid_feed.where(col(CalendarFeed.staff_id) == staff_id)).first()


def read_feed_entries(session: Session, token: str, now: datetime) -> Sequence[FeedEntry] | None:
    """Return the entries of the feed with this token.

    Return ``None`` for a token that is unknown or revoked, or whose owner is no longer an active
    agent.
    """
    feed = session.exec(
        _select_valid_feed.where(col(CalendarFeed.token_hash) == token_hash(token))
    ).first()
    if feed is None or not row_mac.is_row_intact(session, feed):
        return None
    if not row_mac.is_row_intact(session, session.get_one(Staff, feed.staff_id)):
        return None
    feed.read_at = now
    session.add(feed)
    session.flush()
    return _list_feed_callbacks(session, feed.staff_id, now)


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
