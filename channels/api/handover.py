"""Callbacks that go to a colleague, or come back to life."""

from __future__ import annotations

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag

from channels.api.auth import acting, require_token
from channels.api.callback_serializers import shown
from channels.api.schemas import (
    CallbackOut,
    CallbackPath,
    ColleaguesOut,
    HandedOut,
    HandOverIn,
    MoveIn,
    Problem,
)
from channels.app_context import ctx, now
from people.models import Role
from scheduling import callbacks
from scheduling.booking import bookings, callback_history, callback_reference
from scheduling.notifications import callback_notifier
from verification import live_handover

api = APIBlueprint(
    "api_handing",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="Callbacks")],
    abp_security=[{"bearer": []}],
    abp_responses={401: Problem, 403: Problem, 404: Problem, 503: Problem},
)
api.before_request(require_token)


@api.get("/colleagues", summary="Who else could call", responses={200: ColleaguesOut})
def list_colleagues() -> Response:
    """The other agents at work here, of the same team if there is one, by first name."""
    with acting(Role.AGENT) as (session, agent):
        found = callback_history.colleagues(session, agent.id)
    return jsonify(colleagues=[{"id": each, "name": name} for each, name in found])


@api.post(
    "/callbacks/<uuid:id>/hand-over",
    summary="Hand it over",
    responses={200: HandedOut, 409: Problem},
)
def hand_over(path: CallbackPath, body: HandOverIn) -> Response:
    """Give a callback that is not confirmed yet to a colleague, and tell the customer the name.
    The code of a started one is dead at once; only the colleague gets the next."""
    with acting(Role.AGENT) as (session, agent):
        callback = callbacks.held_lately(session, path.id, agent.id, now())
        live_handover.hand_over(session, callback, body.agent, ctx().policy, now())
        name = callback_notifier.agent_name(session, body.agent)
        return jsonify(
            id=str(path.id),
            reference=callback_reference.of(path.id),
            agent={"id": str(body.agent), "name": name},
        )


@api.post(
    "/callbacks/<uuid:id>/revive",
    summary="Book it again",
    responses={200: CallbackOut, 409: Problem},
)
def revive(path: CallbackPath, body: MoveIn) -> Response:
    """Book a missed or cancelled callback again under the same id, and tell the customer."""
    moment = now()
    with acting(Role.AGENT) as (session, agent):
        callback = callbacks.held_lately(session, path.id, agent.id, now(), lock=True)
        bookings.revive(session, callback, body.starts_at, ctx().policy, moment)
        return shown(session, callback, moment, 200)[0]
