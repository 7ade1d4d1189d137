"""``GET /slots``: when the agent is free."""

from __future__ import annotations

from datetime import timedelta

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag

from channels.api.agent_requirements import need_of
from channels.api.auth import acting, require_token
from channels.api.schemas import ME, Problem, SlotsOut, SlotsQuery
from channels.app_context import ctx, now
from people.errors import InvalidInput
from people.models import Role
from scheduling.availability import agent_assignment, slot_search
from scheduling.availability.agent_availability import Callee

_WIDEST = timedelta(days=62)

api = APIBlueprint(
    "api_slots",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="Callbacks")],
    abp_security=[{"bearer": []}],
    abp_responses={401: Problem, 403: Problem, 503: Problem},
)
api.before_request(require_token)


@api.get("/slots", summary="Free slots", responses={200: SlotsOut})
def list_slots(query: SlotsQuery) -> Response:
    """Free starts of the agent, or of anybody who could make the call, at decent hours in the
    customer's zone; 500 at the most."""
    if query.to <= query.from_:
        raise InvalidInput("to", "Give an end that is later than the beginning.")
    if query.to - query.from_ > _WIDEST:
        raise InvalidInput("to", f"Ask for at most {_WIDEST.days} days at once.")
    policy = ctx().policy
    zone = query.timezone or policy.default_zone
    with acting(Role.AGENT) as (session, agent):
        span = (query.from_, query.to)
        callee, minutes, moment = Callee(zone), query.minutes, now()
        if query.agent == ME:
            found = slot_search.free_slots(session, agent.id, callee, span, minutes, policy, moment)
        else:
            need = need_of(session, agent, query)
            found = agent_assignment.free_slots(
                session, need, callee, span, minutes, policy, moment
            )
    return jsonify(minutes=query.minutes, slots=[slot.isoformat() for slot in found])
