"""Hands a callback over to another agent."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from messaging import outbox
from people.errors import InvalidInput
from people.models import Customer, Role, Staff
from scheduling.availability import reservations, slot_search
from scheduling.availability.agent_availability import Callee
from scheduling.booking import bookings, callback_audit
from scheduling.error_codes import SchedulingErrorCode
from scheduling.models import Callback
from scheduling.notifications import callback_notifier
from scheduling.policy import Policy
from scheduling.states import CallbackState, require_state
from vault.audit import audit_log
from vault.audit.acts import AuditAct


def hand_over_callback(
    session: Session,
    callback: Callback,
    agent_id: UUID,
    policy: Policy,
    now: datetime,
    by: audit_log.Actor | None = None,
) -> None:
    """Hand a booked callback over to another agent at the same time.

    Text its customer the new name. From then on only the new agent can open or start it. The caller
    must have locked ``callback``. Raise ``InvalidInput``, ``SlotTaken`` or ``WrongState``.
    """
    require_state(CallbackState(callback.state), CallbackState.BOOKED)
    giver = callback.agent_id
    reassign_time(session, callback, agent_id, policy, now)
    actor = by or audit_log.staff_actor(giver)
    callback_audit.record_callback_act(
        session, callback, actor, AuditAct.CALLBACK_HAND_OVER, now, f"{giver} to {agent_id}"
    )
    outbox.withdraw_for_callback(session, callback.id, now)
    callback_notifier.notify_new_agent(session, callback, policy, now)


def reassign_time(
    session: Session, callback: Callback, agent_id: UUID, policy: Policy, now: datetime
) -> None:
    """Reserve the callback's time for another agent. Raise as :func:`hand_over_callback`."""
    _require_other_agent(session, callback, agent_id)
    customer = session.get_one(Customer, callback.customer_id)
    reservations.lock_participants(session, customer.id, callback.agent_id, agent_id)
    callee = Callee(customer.timezone, customer.id)
    at, minutes = callback.starts_at, callback.minutes
    availability = slot_search.require_free_slot(
        session, agent_id, callee, at, minutes, policy, now, callback.id
    )
    reservations.release_slots(session, callback.id)
    callback.agent_id = agent_id
    bookings.reserve_time(session, callback, customer, availability, policy, now)


def _require_other_agent(session: Session, callback: Callback, agent_id: UUID) -> None:
    agent = session.get(Staff, agent_id)
    if agent is None or not agent.active or agent.role != Role.AGENT:
        raise InvalidInput("agent", SchedulingErrorCode.AGENT_NOT_FOUND)
    if agent_id == callback.agent_id:
        raise InvalidInput("agent", SchedulingErrorCode.AGENT_HAS_CALLBACK_ALREADY)
