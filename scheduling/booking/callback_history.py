"""A callback's history for its agent, and the agents it can be handed over to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from people.models import Role, Staff
from scheduling.availability import teams
from scheduling.models import Callback, FollowUp, FormerTime
from scheduling.notifications import callback_notifier


@dataclass(frozen=True)
class PreviousTime:
    """A time before a move, and who moved it: ``staff``, ``customer``, ``zone`` …"""

    starts_at: datetime
    moved_by: str


@dataclass(frozen=True)
class CallbackHistory:
    """Former times, and the preceding and following callbacks of the same agent with times."""

    former: tuple[PreviousTime, ...]
    earlier: tuple[UUID, datetime] | None
    later: tuple[UUID, datetime] | None


def load_callback_history(session: Session, callback: Callback) -> CallbackHistory:
    """Return the history of a callback."""
    rows = session.exec(
        select(FormerTime)
        .where(col(FormerTime.callback_id) == callback.id)
        .order_by(col(FormerTime.id))
    )
    follows = session.get(FollowUp, callback.id)
    followed = session.exec(
        select(FollowUp.callback_id).where(col(FollowUp.earlier_id) == callback.id)
    ).first()
    return CallbackHistory(
        tuple(PreviousTime(row.starts_at, row.moved_by) for row in rows),
        _linked_callback(session, callback, follows.earlier_id if follows else None),
        _linked_callback(session, callback, followed),
    )


def _linked_callback(
    session: Session, callback: Callback, other_id: UUID | None
) -> tuple[UUID, datetime] | None:
    other = session.get(Callback, other_id) if other_id else None
    if other is None or other.agent_id != callback.agent_id:
        return None
    return other.id, other.starts_at


def list_handover_candidates(session: Session, staff_id: UUID) -> list[tuple[str, str]]:
    """Return ids and first names of other active agents, of the same team if any, by name."""
    rows = session.exec(
        select(Staff.id).where(
            col(Staff.role) == Role.AGENT, col(Staff.active).is_(True), col(Staff.id) != staff_id
        )
    ).all()
    ours = teams.list_teammate_ids(session, staff_id)
    candidates = [
        (callback_notifier.agent_first_name(session, row), str(row))
        for row in rows
        if ours is None or row in ours
    ]
    return [(staff, name) for name, staff in sorted(candidates)]
