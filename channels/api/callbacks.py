"""Callbacks over the API: booked and called by the agent whose token it is."""

from __future__ import annotations

from datetime import datetime

from flask import Response, jsonify, request
from flask_openapi3 import APIBlueprint, Tag
from sqlmodel import Session

from channels.api import customer_resolution as api_customers
from channels.api.agent_requirements import need_of
from channels.api.auth import acting, require_token
from channels.api.callback_serializers import in_list, of_another, shown
from channels.api.schemas import (
    ME,
    CallbackIn,
    CallbackOut,
    CallbackPath,
    CallbacksOut,
    CodeOut,
    DayQuery,
    EndIn,
    MoveIn,
    PhoneOut,
    Problem,
)
from channels.app_context import ctx, now
from messaging import call_queue
from people import phone_numbers
from people.customers import access_budgets
from people.models import Role, Staff
from people.staff.authentication import Principal
from scheduling import callbacks
from scheduling.availability import agent_assignment
from scheduling.booking import bookings, idempotency
from scheduling.calendars import local_time
from scheduling.models import Callback
from verification import bridged_calls, call_session
from verification.call_session import IssuedCode

api = APIBlueprint(
    "api_callbacks",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="Callbacks")],
    abp_security=[{"bearer": []}],
    abp_responses={401: Problem, 403: Problem, 404: Problem, 503: Problem},
)
api.before_request(require_token)


@api.post("/callbacks", summary="Book a callback", responses={201: CallbackOut, 409: Problem})
def make_callback(body: CallbackIn) -> tuple[Response, int]:
    """Book a callback and announce it to the customer. With an ``Idempotency-Key`` header, a
    retry gives the booking that was made. With ``agent`` as ``any`` it goes to whoever is free and
    whose turn it is; where that is somebody else, the answer names them and no customer."""
    with acting(Role.AGENT) as (session, agent):
        # Kept whatever becomes of the booking: a refused one tells, too, who is a customer.
        api_customers.look_up(session, agent, body, now())
    try:
        return _book(body)
    except idempotency.Raced:
        return _book(body)


def _book(body: CallbackIn) -> tuple[Response, int]:
    moment = now()
    with acting(Role.AGENT) as (session, agent):
        access_budgets.take_turn(session, agent.id)
        key = request.headers.get("Idempotency-Key")
        claimed = None
        if key is not None:
            payload = body.model_dump_json().encode()
            claimed = idempotency.claim(session, agent.id, key, payload, moment)
        if claimed is not None and claimed.callback_id is not None:
            callback = session.get_one(Callback, claimed.callback_id)
        else:
            callback = _booked(session, agent, body, moment)
        if claimed is not None:
            claimed.callback_id = callback.id
            session.add(claimed)
        if callback.agent_id != agent.id:
            return jsonify(of_another(session, callback, body.topic, body.ticket)), 201
        return shown(session, callback, moment, 201)


def _booked(session: Session, agent: Principal, body: CallbackIn, moment: datetime) -> Callback:
    policy = ctx().policy
    customer = api_customers.chosen(session, agent, body, moment)
    wish = bookings.Wish(body.starts_at, body.minutes, body.topic, body.ticket)
    if body.agent == ME:
        return bookings.book(session, customer, agent.id, wish, policy, moment)
    need = need_of(session, agent, body)
    return agent_assignment.book(session, customer, need, wish, policy, moment, agent.actor)


@api.get("/callbacks", summary="Own callbacks of a day", responses={200: CallbacksOut})
def list_callbacks(query: DayQuery) -> Response:
    """The agent's callbacks that start on that day, earliest first; with topic, ticket and customer
    only from half an hour before a call. Ask for a single one to prepare it earlier."""
    moment = now()
    with acting(Role.AGENT) as (session, agent):
        zone = phone_numbers.zone(session.get_one(Staff, agent.id).timezone)
        on = query.on or moment.astimezone(zone).date()
        found = callbacks.day(session, agent.id, *local_time.day(on, zone), moment)
        return jsonify(on=on.isoformat(), callbacks=[in_list(each) for each in found])


@api.get("/callbacks/<uuid:id>", summary="One callback", responses={200: CallbackOut})
def get_callback(path: CallbackPath) -> Response:
    """A callback that the agent holds."""
    with acting(Role.AGENT) as (session, agent):
        return shown(session, callbacks.held_lately(session, path.id, agent.id, now()), now(), 200)[
            0
        ]


@api.post(
    "/callbacks/<uuid:id>/start",
    summary="Start the call",
    responses={200: CodeOut, 202: PhoneOut, 409: Problem},
)
def start_callback(path: CallbackPath) -> tuple[Response, int]:
    """Start the call inside its window; gives the code to read out. Where calls are bridged, that
    is how far the call got (202) until the customer is on the phone; then ask again."""
    with acting(Role.AGENT) as (session, agent):
        callback = callbacks.held_lately(session, path.id, agent.id, now())
        issued = bridged_calls.start(session, callback, ctx().policy, now())
        return _phone(session, callback) if issued is None else (_code(issued), 200)


@api.post(
    "/callbacks/<uuid:id>/ring",
    summary="Ring again",
    responses={202: PhoneOut, 409: Problem},
)
def ring_again(path: CallbackPath) -> tuple[Response, int]:
    """Ring once more after a bridged call that missed the customer, with a new code."""
    with acting(Role.AGENT) as (session, agent):
        callback = callbacks.held_lately(session, path.id, agent.id, now())
        bridged_calls.ring_again(session, callback, now())
        return _phone(session, callback)


@api.post(
    "/callbacks/<uuid:id>/code",
    summary="A new code",
    responses={200: CodeOut, 409: Problem},
)
def renew_code(path: CallbackPath) -> Response:
    """A new code for a started call; the old one is dead at once."""
    with acting(Role.AGENT) as (session, agent):
        callback = callbacks.held_lately(session, path.id, agent.id, now())
        return _code(call_session.reissue(session, callback, ctx().policy, now()))


@api.post(
    "/callbacks/<uuid:id>/end",
    summary="End the call",
    responses={200: CallbackOut, 409: Problem},
)
def end_callback(path: CallbackPath, body: EndIn) -> Response:
    """End the call with its outcome; its code is dead at once."""
    moment = now()
    with acting(Role.AGENT) as (session, agent):
        callback = callbacks.held_lately(session, path.id, agent.id, now())
        call_session.end(session, callback, body.outcome, ctx().policy, moment)
        return shown(session, callback, moment, 200)[0]


@api.post(
    "/callbacks/<uuid:id>/move",
    summary="Give it another time",
    responses={200: CallbackOut, 409: Problem},
)
def move_callback(path: CallbackPath, body: MoveIn) -> Response:
    """Move a booked callback and tell the customer."""
    moment = now()
    with acting(Role.AGENT) as (session, agent):
        callback = callbacks.held_lately(session, path.id, agent.id, now(), lock=True)
        bookings.move(session, callback, body.starts_at, ctx().policy, moment)
        return shown(session, callback, moment, 200)[0]


@api.delete("/callbacks/<uuid:id>", summary="Call it off", responses={204: None, 409: Problem})
def cancel_callback(path: CallbackPath) -> tuple[str, int]:
    """Call a booked callback off and tell the customer."""
    with acting(Role.AGENT) as (session, agent):
        callback = callbacks.held_lately(session, path.id, agent.id, now(), lock=True)
        bookings.cancel(session, callback, ctx().policy, now())
        return "", 204


def _phone(session: Session, callback: Callback) -> tuple[Response, int]:
    call = call_queue.latest(session, callback.id)
    return jsonify(call=call.state if call else None, error=call.error if call else None), 202


def _code(issued: IssuedCode) -> Response:
    return jsonify(code=issued.code, valid_until=issued.valid_until.isoformat())
