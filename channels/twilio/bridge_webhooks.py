"""Webhooks of bridged calls: the agent presses 1, the customer is called, each leg reports its
status."""

from __future__ import annotations

from uuid import UUID

import structlog
from flask import Blueprint, Response, request, url_for
from twilio.twiml.voice_response import Dial, Gather, VoiceResponse
from werkzeug.exceptions import HTTPException

from channels import error_handlers
from channels.app_context import current_context, current_time, unit_of_work
from channels.twilio.signature import read_provider_id, require_signature
from channels.twilio.twiml import twiml_response
from messaging import voice_templates
from messaging.call_states import CallState
from verification import bridge_legs, bridged_calls

bp = Blueprint("bridge", __name__, url_prefix="/twilio")
bp.before_request(require_signature)
log = structlog.get_logger("calls")

RING_SECONDS = 30
KEY_SECONDS = 10
_STATUS_EVENTS = "initiated ringing answered completed"
#: The provider's statuses of a leg that change the call's state.
AGENT_LEG_STATES = {
    "queued": CallState.RINGING_YOU,
    "initiated": CallState.RINGING_YOU,
    "ringing": CallState.RINGING_YOU,
    "in-progress": CallState.AGENT_ON,
    "completed": CallState.HUNG_UP,
    "busy": CallState.FAILED,
    "no-answer": CallState.FAILED,
    "failed": CallState.FAILED,
    "canceled": CallState.FAILED,
}
CUSTOMER_LEG_STATES = {
    "queued": CallState.RINGING,
    "initiated": CallState.RINGING,
    "ringing": CallState.RINGING,
    "in-progress": CallState.ANSWERED,
    "completed": CallState.ENDED,
    "busy": CallState.BUSY,
    "no-answer": CallState.NO_ANSWER,
    "failed": CallState.FAILED,
    "canceled": CallState.FAILED,
}


@bp.post("/voice/bridge/<call>")
def receive_agent_pick_up(call: str) -> Response:
    """Handle the agent's phone being picked up, by the agent or by a machine that presses no
    key."""
    with unit_of_work() as session:
        call_id = _parse_call_id(call)
        provider_call_id = read_provider_id("CallSid", "CA")
        accepted = call_id and bridge_legs.accept_agent_leg(
            session, call_id, provider_call_id, current_context().policy, current_time()
        )
    twiml = VoiceResponse()
    if not accepted:
        return _hang_up_bridge(twiml)
    gather = Gather(
        input="dtmf",
        action=url_for("bridge.dial_customer", call=call),
        num_digits=1,
        timeout=KEY_SECONDS,
    )
    for _ in range(2):
        gather.say(
            voice_templates.prompt_agent_confirmation(
                current_context().policy.message_context_for()
            ),
            language="en-GB",
        )
        gather.pause(length=2)
    twiml.append(gather)
    return _hang_up_bridge(twiml)


@bp.post("/voice/bridge/<call>/go")
def dial_customer(call: str) -> Response:
    """Call the customer once after key 1; end the call after any other key and after a replay."""
    twiml, call_id = VoiceResponse(), _parse_call_id(call)
    if request.form.get("Digits") != "1" or call_id is None:
        return _hang_up_bridge(twiml)
    with unit_of_work() as session:
        provider_call_id = read_provider_id("CallSid", "CA")
        phone = bridge_legs.claim_customer_phone(
            session, call_id, provider_call_id, current_context().policy, current_time()
        )
    if phone is None:
        return _hang_up_bridge(twiml)
    dial = Dial(
        caller_id=current_context().policy.official_phone,
        timeout=RING_SECONDS,
        action=url_for("bridge.finish_customer_leg", call=call),
    )
    dial.number(
        phone,
        status_callback=_status_callback_url(call, "customer"),
        status_callback_event=_STATUS_EVENTS,
        machine_detection="Enable",
        amd_status_callback=_status_callback_url(call, "machine"),
    )
    twiml.append(dial)
    return twiml_response(twiml)


@bp.post("/voice/bridge/<call>/done")
def finish_customer_leg(call: str) -> Response:
    """End the agent's leg after the customer's leg has ended."""
    call_id, state = (
        _parse_call_id(call),
        CUSTOMER_LEG_STATES.get(request.form.get("DialCallStatus", "")),
    )
    if call_id and state is not None:
        _record_leg_state(call_id, state)
    return _hang_up_bridge(VoiceResponse())


@bp.post("/status/call")
def receive_call_status() -> Response:
    """Record the status of a leg. Reports can come in any order and repeatedly; those of unknown
    calls are ignored."""
    call_id, leg = _parse_call_id(request.args.get("call", "")), request.args.get("leg", "")
    state, error = _parse_leg_report(leg)
    if call_id and state is not None and read_provider_id("CallSid", "CA"):
        _record_leg_state(call_id, state, error)
    return Response("", mimetype="text/plain")


@bp.errorhandler(Exception)
def end_broken_bridge(error: Exception) -> Response | HTTPException:
    """Hang up, so that no call is bridged while something is broken (rule F1)."""
    if isinstance(error, HTTPException):
        return error
    error_handlers.log_failure("cannot bridge", error)
    if request.endpoint == "bridge.receive_call_status":
        return Response("", 503, mimetype="text/plain")
    return _hang_up_bridge(VoiceResponse())


def _parse_leg_report(leg: str) -> tuple[CallState | None, str]:
    """Parse a status report into a state and, for a failure, an error."""
    status = request.form.get("CallStatus", "")
    if leg == "machine":
        answered_by = request.form.get("AnsweredBy", "")
        if answered_by.startswith("machine") or answered_by == "fax":
            return CallState.VOICEMAIL, ""
        return (CallState.LIVE, "") if answered_by in ("human", "unknown") else (None, "")
    if leg == "agent":
        state = AGENT_LEG_STATES.get(status)
        return state, f"agent_{status}" if state is CallState.FAILED else ""
    return (CUSTOMER_LEG_STATES.get(status), "") if leg == "customer" else (None, "")


def _record_leg_state(call: UUID, state: CallState, error: str = "") -> None:
    with unit_of_work() as session:
        if bridged_calls.record_call_progress(
            session, call, state, current_context().policy, current_time(), error=error
        ):
            log.info("call reported", state=state.value)


def _status_callback_url(call: str, leg: str) -> str:
    return (
        f"{current_context().base_url}{url_for('bridge.receive_call_status', call=call, leg=leg)}"
    )


def _parse_call_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _hang_up_bridge(twiml: VoiceResponse) -> Response:
    twiml.hangup()
    return twiml_response(twiml)
