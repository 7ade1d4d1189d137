"""Reserved time of agents and customers, and of teams with a limited number of seats.

One table holds all of it; its primary key prevents double bookings on both databases.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import String, cast, func
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, delete, select

from people.models import Customer, Membership, Staff, Team
from scheduling.availability import slots
from scheduling.models import Callback, ReservedSlot


class ReservationConflict(Exception):
    """The time was reserved by another transaction after it was found free."""


def list_reserved_steps(
    session: Session, holders: Collection[UUID], within: range, but: UUID | None = None
) -> dict[UUID, list[int]]:
    """Return the reserved steps by agent or customer, without those of the callback ``but``.

    Select one row per holder instead of one per step, because rows are slower to fetch than numbers
    are to parse.
    """
    statement = (
        select(
            col(ReservedSlot.holder_id),
            func.aggregate_strings(cast(col(ReservedSlot.step), String), ","),
        )
        .where(col(ReservedSlot.holder_id).in_(holders), *_reserved_between(within, but))
        .group_by(col(ReservedSlot.holder_id))
    )
    return {holder: list(map(int, steps.split(","))) for holder, steps in session.exec(statement)}


def list_full_steps(
    session: Session, teams: Iterable[Team], within: range, but: UUID | None = None
) -> dict[UUID, list[int]]:
    """Return, by team, the steps at which the team has no seat left."""
    capacity = {team.id: team.capacity for team in teams if team.capacity is not None}
    if not capacity:
        return {}
    full_steps: dict[UUID, list[int]] = {}
    statement = (
        select(ReservedSlot.holder_id, ReservedSlot.step, func.count())
        .where(col(ReservedSlot.holder_id).in_(capacity), *_reserved_between(within, but))
        .group_by(col(ReservedSlot.holder_id), col(ReservedSlot.step))
    )
    for holder, step, count in session.exec(statement):
        if count >= capacity[holder]:
            full_steps.setdefault(holder, []).append(step)
    return full_steps


def _reserved_between(within: range, but: UUID | None) -> list[Any]:
    where: list[Any] = [
        col(ReservedSlot.step) >= within.start,
        col(ReservedSlot.step) < within.stop,
    ]
    if but is not None:
        where.append(col(ReservedSlot.callback_id) != but)
    return where


def lock_participants(session: Session, customer_id: UUID, *agents: UUID) -> None:
    """Lock a customer and agents so that changes of their time run one after the other.

    Rows are always locked in the same order, to avoid deadlocks. The team is locked last, when its
    seats are picked.
    """
    session.exec(
        select(Customer.id).where(col(Customer.id) == customer_id).with_for_update(key_share=True)
    )
    for agent in sorted(set(agents)):
        session.exec(select(Staff.id).where(col(Staff.id) == agent).with_for_update(key_share=True))


def reserve_slots(session: Session, callback: Callback) -> None:
    """Reserve the callback's time for its agent (with buffers), its customer, and the agent's team.

    Raise :class:`ReservationConflict`; the primary key decides a race.
    """
    call = slots.call_steps(callback.starts_at, callback.minutes)
    own = slots.call_steps(
        callback.starts_at, callback.minutes, callback.buffer_before, callback.buffer_after
    )
    rows = [(callback.agent_id, step, 0) for step in own]
    rows += [(callback.customer_id, step, 0) for step in call]
    rows += _pick_team_seats(session, callback.agent_id, call)
    try:
        with session.begin_nested():
            session.add_all(
                ReservedSlot(holder_id=holder, step=step, seat=seat, callback_id=callback.id)
                for holder, step, seat in rows
            )
            session.flush()
    except IntegrityError:
        raise ReservationConflict from None


def _pick_team_seats(session: Session, agent_id: UUID, call: range) -> list[tuple[UUID, int, int]]:
    """Return the lowest free seat of the agent's team at each step.

    Raise :class:`ReservationConflict` when there is none.
    """
    team = session.exec(
        select(Team)
        .join(Membership, col(Membership.team_id) == col(Team.id))
        .where(col(Membership.staff_id) == agent_id, col(Team.capacity).is_not(None))
        .with_for_update(key_share=True, of=Team)
    ).first()
    if team is None or team.capacity is None:
        return []
    rows = session.exec(
        select(ReservedSlot.step, ReservedSlot.seat).where(
            col(ReservedSlot.holder_id) == team.id, *_reserved_between(call, None)
        )
    )
    used: dict[int, set[int]] = {}
    for step, seat in rows:
        used.setdefault(step, set()).add(seat)
    seats = []
    for step in call:
        free = set(range(team.capacity)) - used.get(step, set())
        if not free:
            raise ReservationConflict
        seats.append((team.id, step, min(free)))
    return seats


def release_slots(session: Session, callback_id: UUID) -> None:
    """Release all reservations of a callback."""
    session.exec(delete(ReservedSlot).where(col(ReservedSlot.callback_id) == callback_id))
