"""``GET /slots``: the free times of agents."""

from __future__ import annotations

from datetime import timedelta

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag

from channels.api.agent_requirements import requirements_from_request
from channels.api.auth import require_token, unit_for_role
from channels.api.schemas import ME, Problem
from channels.api.slot_schemas import SlotsOut, SlotsQuery
from channels.app_context import current_context, current_time
from channels.error_codes import ChannelErrorCode
from people.errors import InvalidInput
from people.models import Role
from scheduling.availability import agent_assignment, slot_search
from scheduling.availability.agent_availability import Callee

_MAX_RANGE = timedelta(days=62)

bp = APIBlueprint(
    "api_slots",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="Callbacks")],
    abp_security=[{"bearer": []}],
    abp_responses={401: Problem, 403: Problem, 503: Problem},
)
bp.before_request(require_token)


@bp.get("/slots", summary="Free slots", responses={200: SlotsOut})
def list_slots(query: SlotsQuery) -> Response:
    """List free start times of the agent, or of any agent who can make the call, within calling
    hours in the customer's zone; at most 500."""
    if query.to <= query.from_:
        raise InvalidInput("to", ChannelErrorCode.RANGE_ENDS_BEFORE_BEGIN)
    if query.to - query.from_ > _MAX_RANGE:
        raise InvalidInput("to", ChannelErrorCode.RANGE_TOO_LONG, days=_MAX_RANGE.days)
    policy = current_context().policy
    zone = query.timezone or policy.default_zone
    with unit_for_role(Role.AGENT) as (session, agent):
        span = (query.from_, query.to)
        callee, minutes, moment = Callee(zone), query.minutes, current_time()
        if query.agent == ME:
            slots = slot_search.find_free_slots(
                session, agent.id, callee, span, minutes, policy, moment
            )
        else:
            requirements = requirements_from_request(session, agent, query)
            slots = agent_assignment.find_pool_slots(
                session, requirements, callee, span, minutes, policy, moment
            )
    return jsonify(minutes=query.minutes, slots=[slot.isoformat() for slot in slots])
