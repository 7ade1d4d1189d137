"""A call that is going on and that another agent takes over."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from messaging import call_queue
from messaging.call_states import OVER
from scheduling.booking import bookings, handover
from scheduling.errors import WrongState
from scheduling.models import Callback
from scheduling.notifications import callback_notifier
from scheduling.policy import Policy
from scheduling.states import State
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from verification import call_session


def hand_over(
    session: Session,
    callback: Callback,
    agent_id: UUID,
    policy: Policy,
    now: datetime,
    by: audit_log.Actor | None = None,
) -> None:
    """Give a booked callback, or one that has started and is not confirmed, to another agent.

    The code that the first agent knows is dead at once, and counts as one of the three new ones;
    only the second agent sees the next. The customer is told who it is now. Raises
    ``InvalidInput``, ``SlotTaken``, ``OutsideWindow`` or ``WrongState``.
    """
    call_session.lock(session, callback)
    if State(callback.state) is not State.STARTED:
        handover.hand_over(session, callback, agent_id, policy, now, by)
        return
    bridged = call_queue.latest(session, callback.id)
    if bridged is not None and bridged.state not in OVER:
        raise WrongState("This call is on the phone. End it, and book another with a colleague.")
    giver = callback.agent_id
    handover.give(session, callback, agent_id, policy, now)
    call_session.renew(session, callback, now, until=call_session.until(callback, policy, now))
    actor = by or audit_log.staff(giver)
    bookings.record(
        session, callback, actor, AuditAct.CALLBACK_HAND_OVER, now, f"{giver} to {agent_id}"
    )
    callback_notifier.taken_over(session, callback, policy, now)
