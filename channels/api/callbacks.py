"""Callbacks over the API: the agent whose token it is books and starts them."""

from __future__ import annotations

from datetime import datetime

from flask import Response, jsonify, request
from flask_openapi3 import APIBlueprint, Tag
from sqlmodel import Session

from channels.api import customer_resolution as api_customers
from channels.api.agent_requirements import requirements_from_request
from channels.api.auth import require_token, unit_for_role
from channels.api.callback_schemas import (
    CallbackIn,
    CallbackOut,
    CallbackPath,
    CallbacksOut,
    CodeOut,
    DayQuery,
    EndIn,
    MoveIn,
    PhoneOut,
)
from channels.api.callback_serializers import (
    respond_with_callback,
    serialize_callback_row,
    serialize_colleagues_callback,
)
from channels.api.schemas import ME, Problem
from channels.app_context import current_context, current_time
from messaging import call_queue
from people import phone_numbers
from people.customers import access_budgets
from people.models import Role, Staff
from people.principal import Principal
from scheduling import callback_rows, callbacks
from scheduling.booking import any_agent_booking, bookings, cancellations, idempotency, time_changes
from scheduling.calendars import local_time
from scheduling.models import Callback
from verification import bridged_calls, call_end, issued_codes
from verification.issued_codes import IssuedCode

bp = APIBlueprint(
    "api_callbacks",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="Callbacks")],
    abp_security=[{"bearer": []}],
    abp_responses={401: Problem, 403: Problem, 404: Problem, 503: Problem},
)
bp.before_request(require_token)


@bp.post("/callbacks", summary="Book a callback", responses={201: CallbackOut, 409: Problem})
def make_callback(body: CallbackIn) -> tuple[Response, int]:
    """Book a callback and announce it to the customer. With an ``Idempotency-Key`` header, a retry
    returns the first booking. With ``agent`` as ``any`` it is assigned to the next free agent in
    turn; if that is a colleague, the answer names the colleague and no customer."""
    with unit_for_role(Role.AGENT) as (session, agent):
        # Record the lookup whether or not the booking succeeds: a refusal also reveals who is a
        # customer.
        api_customers.record_booking_lookup(session, agent, body, current_time())
    try:
        return _book_idempotently(body)
    except idempotency.ConcurrentRequest:
        return _book_idempotently(body)


def _book_idempotently(body: CallbackIn) -> tuple[Response, int]:
    moment = current_time()
    with unit_for_role(Role.AGENT) as (session, agent):
        access_budgets.lock_staff_budget(session, agent.id)
        key = request.headers.get("Idempotency-Key")
        claimed = None
        if key is not None:
            payload = body.model_dump_json().encode()
            claimed = idempotency.claim_idempotency_key(session, agent.id, key, payload, moment)
        if claimed is not None and claimed.callback_id is not None:
            callback = session.get_one(Callback, claimed.callback_id)
        else:
            callback = _create_requested_booking(session, agent, body, moment)
        if claimed is not None:
            claimed.callback_id = callback.id
            session.add(claimed)
        if callback.agent_id != agent.id:
            return jsonify(
                serialize_colleagues_callback(session, callback, body.topic, body.ticket)
            ), 201
        return respond_with_callback(session, callback, moment, 201)


def _create_requested_booking(
    session: Session, agent: Principal, body: CallbackIn, moment: datetime
) -> Callback:
    policy = current_context().policy
    customer = api_customers.resolve_customer(session, agent, body, moment)
    wish = bookings.BookingRequest(body.starts_at, body.minutes, body.topic, body.ticket)
    if body.agent == ME:
        return bookings.book_callback(session, customer, agent.id, wish, policy, moment)
    need = requirements_from_request(session, agent, body)
    return any_agent_booking.book_with_any_agent(
        session, customer, need, wish, policy, moment, agent.actor
    )


@bp.get("/callbacks", summary="Own callbacks of a day", responses={200: CallbacksOut})
def list_callbacks(query: DayQuery) -> Response:
    """List the agent's callbacks that start on that day, earliest first. Topic, ticket and customer
    are included only from half an hour before a call. Get a single one to prepare it earlier."""
    moment = current_time()
    with unit_for_role(Role.AGENT) as (session, agent):
        zone = phone_numbers.parse_time_zone(session.get_one(Staff, agent.id).timezone)
        on = query.on or moment.astimezone(zone).date()
        summaries = callbacks.list_day_callbacks(
            session, agent.id, *local_time.local_day_bounds(on, zone), moment
        )
        return jsonify(
            on=on.isoformat(), callbacks=[serialize_callback_row(summary) for summary in summaries]
        )


@bp.get("/callbacks/<uuid:id>", summary="One callback", responses={200: CallbackOut})
def get_callback(path: CallbackPath) -> Response:
    """Get a callback of the agent."""
    with unit_for_role(Role.AGENT) as (session, agent):
        return respond_with_callback(
            session,
            callback_rows.get_recent_callback(session, path.id, agent.id, current_time()),
            current_time(),
            200,
        )[0]


@bp.post(
    "/callbacks/<uuid:id>/start",
    summary="Start the call",
    responses={200: CodeOut, 202: PhoneOut, 409: Problem},
)
def start_callback(path: CallbackPath) -> tuple[Response, int]:
    """Start the call within its window and return the code to read out. A bridged call returns its
    progress (202) until the customer is on the phone; then ask again."""
    with unit_for_role(Role.AGENT) as (session, agent):
        callback = callback_rows.get_recent_callback(session, path.id, agent.id, current_time())
        issued = bridged_calls.start_bridged_call(
            session, callback, current_context().policy, current_time()
        )
        return (
            _call_progress_response(session, callback)
            if issued is None
            else (_issued_code_response(issued), 200)
        )


@bp.post(
    "/callbacks/<uuid:id>/ring",
    summary="Ring again",
    operation_id="api_callbacks_ring_again_callbacks__uuid_id__ring_post",
    responses={202: PhoneOut, 409: Problem},
)
def ring_callback_again(path: CallbackPath) -> tuple[Response, int]:
    """Ring once more after a bridged call that did not reach the customer, with a new code."""
    with unit_for_role(Role.AGENT) as (session, agent):
        callback = callback_rows.get_recent_callback(session, path.id, agent.id, current_time())
        bridged_calls.redial_customer(session, callback, current_time())
        return _call_progress_response(session, callback)


@bp.post(
    "/callbacks/<uuid:id>/code",
    summary="A new code",
    responses={200: CodeOut, 409: Problem},
)
def renew_code(path: CallbackPath) -> Response:
    """Issue a new code for a started call; the old one is invalid at once."""
    with unit_for_role(Role.AGENT) as (session, agent):
        callback = callback_rows.get_recent_callback(session, path.id, agent.id, current_time())
        return _issued_code_response(
            issued_codes.reissue_code(session, callback, current_context().policy, current_time())
        )


@bp.post(
    "/callbacks/<uuid:id>/end",
    summary="End the call",
    responses={200: CallbackOut, 409: Problem},
)
def end_callback(path: CallbackPath, body: EndIn) -> Response:
    """End the call with its outcome; its code is invalid at once."""
    moment = current_time()
    with unit_for_role(Role.AGENT) as (session, agent):
        callback = callback_rows.get_recent_callback(session, path.id, agent.id, current_time())
        call_end.end_call(session, callback, body.outcome, current_context().policy, moment)
        return respond_with_callback(session, callback, moment, 200)[0]


@bp.post(
    "/callbacks/<uuid:id>/move",
    summary="Give it another time",
    responses={200: CallbackOut, 409: Problem},
)
def move_callback(path: CallbackPath, body: MoveIn) -> Response:
    """Move a booked callback and notify the customer."""
    moment = current_time()
    with unit_for_role(Role.AGENT) as (session, agent):
        callback = callback_rows.get_recent_callback(
            session, path.id, agent.id, current_time(), lock=True
        )
        time_changes.reschedule_callback(
            session, callback, body.starts_at, current_context().policy, moment
        )
        return respond_with_callback(session, callback, moment, 200)[0]


@bp.delete("/callbacks/<uuid:id>", summary="Call it off", responses={204: None, 409: Problem})
def cancel_callback(path: CallbackPath) -> tuple[str, int]:
    """Cancel a booked callback and notify the customer."""
    with unit_for_role(Role.AGENT) as (session, agent):
        callback = callback_rows.get_recent_callback(
            session, path.id, agent.id, current_time(), lock=True
        )
        cancellations.cancel_booked_callback(
            session, callback, current_context().policy, current_time()
        )
        return "", 204


def _call_progress_response(session: Session, callback: Callback) -> tuple[Response, int]:
    call = call_queue.find_latest_call(session, callback.id)
    return jsonify(call=call.state if call else None, error=call.error if call else None), 202


def _issued_code_response(issued: IssuedCode) -> Response:
    return jsonify(code=issued.code, valid_until=issued.valid_until.isoformat())
