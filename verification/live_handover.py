"""Hands over a call in progress to another agent."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from messaging import call_queue
from messaging.call_states import OVER_STATES
from scheduling.booking import callback_audit, handover
from scheduling.errors import WrongState
from scheduling.models import Callback
from scheduling.notifications import callback_notifier
from scheduling.policy import Policy
from scheduling.states import CallbackState
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from verification import issued_codes, open_codes
from verification.error_codes import VerificationErrorCode


def hand_over_call(
    session: Session,
    callback: Callback,
    agent_id: UUID,
    policy: Policy,
    now: datetime,
    by: audit_log.Actor | None = None,
) -> None:
    """Hand over a booked callback, or one that has started and is not confirmed, to another agent.

    Invalidates the code that the first agent knows, which counts as one of the three reissues; only
    the second agent sees the next. Notifies the customer of the new agent. Raises ``InvalidInput``,
    ``SlotTaken``, ``OutsideWindow`` or ``WrongState``.
    """
    open_codes.lock_code_and_callback(session, callback)
    if CallbackState(callback.state) is not CallbackState.STARTED:
        handover.hand_over_callback(session, callback, agent_id, policy, now, by)
        return
    bridged = call_queue.find_latest_call(session, callback.id)
    if bridged is not None and bridged.state not in OVER_STATES:
        raise WrongState(VerificationErrorCode.CALL_ON_PHONE)
    from_agent = callback.agent_id
    handover.reassign_time(session, callback, agent_id, policy, now)
    issued_codes.rotate_code(
        session, callback, now, until=issued_codes.code_expiry(callback, policy, now)
    )
    actor = by or audit_log.staff_actor(from_agent)
    callback_audit.record_callback_act(
        session, callback, actor, AuditAct.CALLBACK_HAND_OVER, now, f"{from_agent} to {agent_id}"
    )
    callback_notifier.notify_live_takeover(session, callback, policy, now)
