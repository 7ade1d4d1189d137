"""Choosing a time: free slots to select, or a day and time to enter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from channels.app_context import current_context
from channels.console.staff_request import StaffRequest
from channels.error_codes import ChannelErrorCode
from channels.time_format import read_date, read_instant, read_time
from people.errors import InvalidInput
from scheduling.availability import agent_assignment, slot_search
from scheduling.availability.agent_assignment import AgentRequirements
from scheduling.availability.agent_availability import Callee
from scheduling.calendars import local_time

OTHER = "other"
_NEXT_LIMIT, _DAY_LIMIT = 6, 40
_SEARCH_PERIOD = timedelta(days=14)


@dataclass(frozen=True)
class TimeOffer:
    """A slot to select. ``value`` is the form value; ``time`` and ``day`` are in the agent's time
    zone, ``there`` in the customer's."""

    value: str
    time: str
    day: str
    there: str


def read_chosen_time(desk: StaffRequest, form: Mapping[str, str]) -> datetime:
    """Return the instant the form selects. Raises ``InvalidInput``, or
    ``local_time.AmbiguousTime``."""
    slot = form.get("slot", "")
    if slot and slot != OTHER:
        return read_instant(slot, "starts_at")
    if not form.get("on") and not form.get("at"):
        raise InvalidInput("starts_at", ChannelErrorCode.TIME_MISSING)
    on = read_date(form.get("on", ""), "starts_at")
    return local_time.local_to_instant(on, read_time(form.get("at", ""), "starts_at"), desk.zone)


def find_free_times(
    desk: StaffRequest,
    callee: Callee,
    minutes: int,
    on: str = "",
    but: UUID | None = None,
    need: AgentRequirements | None = None,
) -> list[datetime]:
    """Return the free slots of the entered day, or the next free slots if it is empty or invalid.

    ``but`` is the callback to be rescheduled, whose own slot counts as free. With ``need``, return
    the slots of all agents who meet the requirements.
    """
    span, limit = (desk.moment, desk.moment + _SEARCH_PERIOD), _NEXT_LIMIT
    try:
        if on:
            span, limit = local_time.local_day_bounds(read_date(on, "on"), desk.zone), _DAY_LIMIT
    except InvalidInput:
        pass
    session, policy, moment = desk.session, current_context().policy, desk.moment
    if need is not None:
        return agent_assignment.find_pool_slots(
            session, need, callee, span, minutes, policy, moment, limit, but
        )
    me = desk.principal.id
    return slot_search.find_free_slots(
        session, me, callee, span, minutes, policy, moment, limit, but
    )


def build_time_offers(
    desk: StaffRequest, zone: str, instants: Sequence[datetime]
) -> list[TimeOffer]:
    """Format slots for a customer in ``zone``."""
    clock = desk.clock
    return [
        TimeOffer(
            instant.isoformat(),
            clock.format_time(instant),
            clock.format_short_day(instant),
            clock.format_in_zone(instant, zone),
        )
        for instant in instants
    ]
