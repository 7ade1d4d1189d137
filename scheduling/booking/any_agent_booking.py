"""Books a callback that any of several agents can make."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from people.errors import InvalidInput
from people.models import Customer
from scheduling.availability import slot_problems, slot_search
from scheduling.availability.agent_assignment import (
    AgentRequirements,
    find_pool_slots,
    rank_free_agents,
)
from scheduling.availability.agent_availability import Callee
from scheduling.booking import bookings
from scheduling.booking.bookings import BookingRequest
from scheduling.error_codes import SchedulingErrorCode
from scheduling.errors import SlotTaken
from scheduling.models import Callback
from scheduling.policy import Policy
from vault.audit import audit_log


def book_with_any_agent(
    session: Session,
    customer: Customer,
    need: AgentRequirements,
    wish: BookingRequest,
    policy: Policy,
    now: datetime,
    by: audit_log.Actor,
) -> Callback:
    """Book with the next free agent in turn.

    Raise the errors of :func:`bookings.book_callback`; the free slots of ``SlotTaken`` are those of
    all qualified agents.
    """
    callee = Callee(customer.timezone, customer.id)
    slot_problems.require_call_length(wish.minutes)
    slot_problems.require_bookable_time(wish.starts_at, now, policy)
    for agent in rank_free_agents(session, need, callee, wish.starts_at, wish.minutes, policy):
        try:
            with session.begin_nested():
                return bookings.book_callback(session, customer, agent, wish, policy, now, by)
        except SlotTaken:  # reserved after it was found free
            continue
    span = (wish.starts_at - timedelta(hours=4), wish.starts_at + timedelta(days=14))
    free_slots = find_pool_slots(session, need, callee, span, wish.minutes, policy, now, 200)
    if not free_slots:
        raise InvalidInput("starts_at", SchedulingErrorCode.NOBODY_FREE_SOON)
    near = slot_search.pick_nearest(free_slots, wish.starts_at)
    raise SlotTaken(SchedulingErrorCode.NOBODY_FREE_THEN, near)
