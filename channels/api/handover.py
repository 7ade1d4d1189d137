"""Callbacks that are handed over to a colleague or booked again."""

from __future__ import annotations

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag

from channels.api.auth import require_token, unit_for_role
from channels.api.callback_schemas import (
    CallbackOut,
    CallbackPath,
    ColleaguesOut,
    HandedOut,
    HandOverIn,
    MoveIn,
)
from channels.api.callback_serializers import respond_with_callback
from channels.api.schemas import Problem
from channels.app_context import current_context, current_time
from people.models import Role
from scheduling import callback_rows
from scheduling.booking import callback_history, callback_reference, time_changes
from scheduling.notifications import callback_notifier
from verification import live_handover

bp = APIBlueprint(
    "api_handing",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="Callbacks")],
    abp_security=[{"bearer": []}],
    abp_responses={401: Problem, 403: Problem, 404: Problem, 503: Problem},
)
bp.before_request(require_token)


@bp.get("/colleagues", summary="Who else could call", responses={200: ColleaguesOut})
def list_colleagues() -> Response:
    """List the other active agents, of the same team if there is one, by first name."""
    with unit_for_role(Role.AGENT) as (session, agent):
        colleagues = callback_history.list_handover_candidates(session, agent.id)
    return jsonify(colleagues=[{"id": agent_id, "name": name} for agent_id, name in colleagues])


@bp.post(
    "/callbacks/<uuid:id>/hand-over",
    summary="Hand it over",
    operation_id="api_handing_hand_over_callbacks__uuid_id__hand_over_post",
    responses={200: HandedOut, 409: Problem},
)
def hand_over_to_colleague(path: CallbackPath, body: HandOverIn) -> Response:
    """Hand a callback that is not confirmed yet to a colleague, and tell the customer the name. The
    code of a started one is invalid at once; only the colleague gets the next."""
    with unit_for_role(Role.AGENT) as (session, agent):
        callback = callback_rows.get_recent_callback(session, path.id, agent.id, current_time())
        live_handover.hand_over_call(
            session, callback, body.agent, current_context().policy, current_time()
        )
        name = callback_notifier.agent_first_name(session, body.agent)
        return jsonify(
            id=str(path.id),
            reference=callback_reference.format_callback_reference(path.id),
            agent={"id": str(body.agent), "name": name},
        )


@bp.post(
    "/callbacks/<uuid:id>/revive",
    summary="Book it again",
    operation_id="api_handing_revive_callbacks__uuid_id__revive_post",
    responses={200: CallbackOut, 409: Problem},
)
def revive_callback(path: CallbackPath, body: MoveIn) -> Response:
    """Book a missed or cancelled callback again under the same id, and notify the customer."""
    moment = current_time()
    with unit_for_role(Role.AGENT) as (session, agent):
        callback = callback_rows.get_recent_callback(
            session, path.id, agent.id, current_time(), lock=True
        )
        time_changes.rebook_callback(
            session, callback, body.starts_at, current_context().policy, moment
        )
        return respond_with_callback(session, callback, moment, 200)[0]
