"""Lets a supervisor reassign an agent's booked callbacks; shows times and references only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from people.errors import NotFound
from people.models import Customer
from scheduling import callback_rows
from scheduling.availability import agent_assignment, agent_availability, slots
from scheduling.availability.agent_assignment import AgentRequirements
from scheduling.availability.agent_availability import Callee
from scheduling.availability.teams import team_id_of_agent
from scheduling.booking import callback_reference, cancellations, handover, time_changes
from scheduling.error_codes import SchedulingErrorCode
from scheduling.errors import SlotTaken
from scheduling.models import Callback
from scheduling.notifications import callback_notifier
from scheduling.policy import Policy
from scheduling.states import CallbackState, require_state
from vault.audit import audit_log

#: How far after its time a callback may be moved, and how many free slots are tried.
SEARCH_PERIOD, MAX_SLOTS_TRIED = timedelta(days=14), 200


@dataclass(frozen=True)
class BookedCallback:
    """A callback without customer data; ``uncovered`` if its agent does not work at that time."""

    id: UUID
    reference: str
    starts_at: datetime
    minutes: int
    uncovered: bool


def list_agent_bookings(
    session: Session, agent_id: UUID, policy: Policy, now: datetime
) -> list[BookedCallback]:
    """Return an agent's next two hundred booked callbacks, earliest first."""
    rows = session.exec(
        select(Callback)
        .where(
            col(Callback.agent_id) == agent_id,
            col(Callback.state) == CallbackState.BOOKED,
            col(Callback.ends_at) > now,
        )
        .order_by(col(Callback.starts_at))
        .limit(200)
    ).all()
    if not rows:
        return []
    first, last = rows[0].starts_at.date(), rows[-1].starts_at.date()
    here = agent_availability.load_availability(
        session, [agent_id], Callee("UTC"), policy, first, last
    )[agent_id]
    return [
        BookedCallback(
            row.id,
            callback_reference.format_callback_reference(row.id),
            row.starts_at,
            row.minutes,
            not slots.is_within_working_hours(here.rules, row.starts_at, row.minutes),
        )
        for row in rows
    ]


@dataclass(frozen=True)
class CallbackAssignment:
    """A callback's time and agent; ``agent`` is a first name."""

    reference: str
    agent: str
    starts_at: datetime


def find_current_assignment(session: Session, callback_id: UUID) -> CallbackAssignment | None:
    """Return the assignment of a callback after a change, or ``None``."""
    row = session.get(Callback, callback_id)
    if row is None:
        return None
    name = callback_notifier.agent_first_name(session, row.agent_id)
    return CallbackAssignment(
        callback_reference.format_callback_reference(row.id), name, row.starts_at
    )


def reassign_callback(
    session: Session,
    agent_id: UUID,
    callback_id: UUID,
    to: UUID | None,
    policy: Policy,
    by: audit_log.Actor,
    now: datetime,
) -> UUID:
    """Hand an agent's booked callback over to the agent ``to``, or to the next free agent in turn.

    Return the id of the new agent. Raise ``NotFound``, ``SlotTaken``, ``InvalidInput``,
    ``WrongState``.
    """
    callback = _lock_agent_callback(session, agent_id, callback_id)
    for candidate in (
        [to] if to else _rank_other_agents(session, callback, callback.starts_at, policy)
    ):
        try:
            with session.begin_nested():
                handover.hand_over_callback(session, callback, candidate, policy, now, by)
            return candidate
        except SlotTaken:
            session.refresh(callback)
            if to:
                raise
    raise SlotTaken(SchedulingErrorCode.NOBODY_ELSE_FREE_THEN, ())


def move_to_other_agent(
    session: Session,
    agent_id: UUID,
    callback_id: UUID,
    policy: Policy,
    by: audit_log.Actor,
    now: datetime,
) -> UUID:
    """Move an agent's callback to the first slot, not before its own time, of another agent.

    Notify its customer and return the id of the new agent. Raise the errors of
    :func:`reassign_callback`.
    """
    callback = _lock_agent_callback(session, agent_id, callback_id)
    require_state(CallbackState(callback.state), CallbackState.BOOKED)
    for at in _slots_of_colleagues(session, callback, policy, now):
        for agent in _rank_other_agents(session, callback, at, policy):
            try:
                with session.begin_nested():
                    callback.agent_id = agent
                    time_changes.reschedule_callback(session, callback, at, policy, now, by)
                return agent
            except SlotTaken:
                session.refresh(callback)
    raise SlotTaken(SchedulingErrorCode.NOBODY_ELSE_FREE_SOON, ())


def cancel_agent_callback(
    session: Session,
    agent_id: UUID,
    callback_id: UUID,
    policy: Policy,
    by: audit_log.Actor,
    now: datetime,
) -> None:
    """Cancel an agent's callback and notify its customer. Raise ``NotFound``, ``WrongState``."""
    cancellations.cancel_booked_callback(
        session, _lock_agent_callback(session, agent_id, callback_id), policy, now, by
    )


def _lock_agent_callback(session: Session, agent_id: UUID, callback_id: UUID) -> Callback:
    callback = callback_rows.lock_callback(session, callback_id)
    if callback is None or callback.agent_id != agent_id:
        raise NotFound(SchedulingErrorCode.AGENT_CALLBACK_NOT_FOUND)
    return callback


def _reassignment_requirements(
    session: Session, callback: Callback
) -> tuple[AgentRequirements, Callee]:
    """Return the team of the callback's agent as requirements, and its customer as callee."""
    customer = session.get_one(Customer, callback.customer_id)
    need = AgentRequirements(team_id=team_id_of_agent(session, callback.agent_id))
    return need, Callee(customer.timezone, customer.id)


def _slots_of_colleagues(
    session: Session, callback: Callback, policy: Policy, now: datetime
) -> list[datetime]:
    need, callee = _reassignment_requirements(session, callback)
    span, minutes = (callback.starts_at, callback.starts_at + SEARCH_PERIOD), callback.minutes
    return agent_assignment.find_pool_slots(
        session, need, callee, span, minutes, policy, now, MAX_SLOTS_TRIED, callback.id
    )


def _rank_other_agents(
    session: Session, callback: Callback, at: datetime, policy: Policy
) -> list[UUID]:
    need, callee = _reassignment_requirements(session, callback)
    ranked = agent_assignment.rank_free_agents(
        session, need, callee, at, callback.minutes, policy, callback.id
    )
    return [agent for agent in ranked if agent != callback.agent_id]
