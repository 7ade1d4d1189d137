"""Whose time is taken: of agents, of customers, and of teams that have only so many seats.

One table holds it all, and its primary key keeps bookings apart on both databases.
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
from scheduling.models import Callback, TakenStep


class Taken(Exception):
    """Somebody else has the time; it was taken since it was looked at."""


def of(
    session: Session, holders: Collection[UUID], within: range, but: UUID | None = None
) -> dict[UUID, list[int]]:
    """The taken steps of agents and customers, ``but`` those of one callback.

    A row a holder, not a row a step: a row takes longer to fetch than its numbers to be read.
    """
    statement = (
        select(
            col(TakenStep.holder_id),
            func.aggregate_strings(cast(col(TakenStep.step), String), ","),
        )
        .where(col(TakenStep.holder_id).in_(holders), *_within(within, but))
        .group_by(col(TakenStep.holder_id))
    )
    return {holder: list(map(int, steps.split(","))) for holder, steps in session.exec(statement)}


def full(
    session: Session, teams: Iterable[Team], within: range, but: UUID | None = None
) -> dict[UUID, list[int]]:
    """The steps at which a team has no seat left, by team."""
    capacity = {team.id: team.capacity for team in teams if team.capacity is not None}
    if not capacity:
        return {}
    found: dict[UUID, list[int]] = {}
    statement = (
        select(TakenStep.holder_id, TakenStep.step, func.count())
        .where(col(TakenStep.holder_id).in_(capacity), *_within(within, but))
        .group_by(col(TakenStep.holder_id), col(TakenStep.step))
    )
    for holder, step, count in session.exec(statement):
        if count >= capacity[holder]:
            found.setdefault(holder, []).append(step)
    return found


def _within(within: range, but: UUID | None) -> list[Any]:
    where: list[Any] = [col(TakenStep.step) >= within.start, col(TakenStep.step) < within.stop]
    if but is not None:
        where.append(col(TakenStep.callback_id) != but)
    return where


def queue_up(session: Session, customer_id: UUID, *agents: UUID) -> None:
    """One change of anybody's time at a time, always in this order: two that want what the other
    has would wait for each other. The team's turn comes with its seats, last."""
    session.exec(
        select(Customer.id).where(col(Customer.id) == customer_id).with_for_update(key_share=True)
    )
    for each in sorted(set(agents)):
        session.exec(select(Staff.id).where(col(Staff.id) == each).with_for_update(key_share=True))


def take(session: Session, callback: Callback) -> None:
    """Take the callback's time of its agent, with the buffers, of its customer, and of the agent's
    team. Raises :class:`Taken`; the primary key decides a race."""
    call = slots.steps(callback.starts_at, callback.minutes)
    own = slots.steps(
        callback.starts_at, callback.minutes, callback.buffer_before, callback.buffer_after
    )
    rows = [(callback.agent_id, step, 0) for step in own]
    rows += [(callback.customer_id, step, 0) for step in call]
    rows += _seats(session, callback.agent_id, call)
    try:
        with session.begin_nested():
            session.add_all(
                TakenStep(holder_id=holder, step=step, seat=seat, callback_id=callback.id)
                for holder, step, seat in rows
            )
            session.flush()
    except IntegrityError:
        raise Taken from None


def _seats(session: Session, agent_id: UUID, call: range) -> list[tuple[UUID, int, int]]:
    """The lowest free seat of the agent's team at each step. Raises :class:`Taken`."""
    team = session.exec(
        select(Team)
        .join(Membership, col(Membership.team_id) == col(Team.id))
        .where(col(Membership.staff_id) == agent_id, col(Team.capacity).is_not(None))
        .with_for_update(key_share=True, of=Team)
    ).first()
    if team is None or team.capacity is None:
        return []
    rows = session.exec(
        select(TakenStep.step, TakenStep.seat).where(
            col(TakenStep.holder_id) == team.id, *_within(call, None)
        )
    )
    used: dict[int, set[int]] = {}
    for step, seat in rows:
        used.setdefault(step, set()).add(seat)
    found = []
    for step in call:
        free = set(range(team.capacity)) - used.get(step, set())
        if not free:
            raise Taken
        found.append((team.id, step, min(free)))
    return found


def release(session: Session, callback_id: UUID) -> None:
    """Give all of a callback's time back."""
    session.exec(delete(TakenStep).where(col(TakenStep.callback_id) == callback_id))
