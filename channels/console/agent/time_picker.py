"""Choosing a time: free slots to press, or a day and time to type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from channels.app_context import current_context
from channels.console.staff_request import StaffRequest
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
    """A time to press: ``value`` goes into the form; ``time`` and ``day`` are on the agent's
    wall, ``there`` is on the customer's."""

    value: str
    time: str
    day: str
    there: str


def read_chosen_time(desk: StaffRequest, form: Mapping[str, str]) -> datetime:
    """The instant that a form chooses. Raises ``InvalidInput``, or ``wall.Repeated``."""
    slot = form.get("slot", "")
    if slot and slot != OTHER:
        return read_instant(slot, "starts_at")
    if not form.get("on") and not form.get("at"):
        raise InvalidInput("starts_at", "Choose a time, or write a day and time.")
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
    """Free slots of a day as it was typed; the next ones when that is none. ``but`` is a callback
    that is to be moved; with ``need`` they are those of anybody who could make the call."""
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
    """How slots are shown, for a customer of that zone."""
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
