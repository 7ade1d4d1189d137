"""Bridged calls: the agent presses 1, the customer is rung, each leg tells how it goes."""

from __future__ import annotations

from uuid import UUID

import structlog
from flask import Blueprint, Response, request, url_for
from twilio.twiml.voice_response import Dial, Gather, VoiceResponse
from werkzeug.exceptions import HTTPException

from channels import error_handlers
from channels.app_context import ctx, now, unit
from channels.twilio.signature import require_signature, sid
from channels.twilio.twiml import xml
from messaging import voice_templates
from messaging.call_states import CallState
from verification import bridged_calls

pages = Blueprint("bridge", __name__, url_prefix="/twilio")
pages.before_request(require_signature)
log = structlog.get_logger("calls")

RING_SECONDS = 30
KEY_SECONDS = 10
_EVENTS = "initiated ringing answered completed"
#: What the provider says of a leg, as far as it tells us something.
AGENT = {
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
CUSTOMER = {
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


@pages.post("/voice/bridge/<call>")
def agent_on(call: str) -> Response:
    """The agent's phone was picked up: by the agent, or by a machine that presses no key."""
    with unit() as session:
        found = _id(call)
        sid_ = sid("CallSid", "CA")
        on = found and bridged_calls.picked_up(session, found, sid_, ctx().policy, now())
    twiml = VoiceResponse()
    if not on:
        return _over(twiml)
    gather = Gather(
        input="dtmf",
        action=url_for("bridge.go", call=call),
        num_digits=1,
        timeout=KEY_SECONDS,
    )
    for _ in range(2):
        gather.say(voice_templates.press_one(ctx().policy.voice()), language="en-GB")
        gather.pause(length=2)
    twiml.append(gather)
    return _over(twiml)


@pages.post("/voice/bridge/<call>/go")
def go(call: str) -> Response:
    """Key 1 rings the customer, once; any other key, and any replay, ends the call."""
    twiml, found = VoiceResponse(), _id(call)
    if request.form.get("Digits") != "1" or found is None:
        return _over(twiml)
    with unit() as session:
        given = sid("CallSid", "CA")
        phone = bridged_calls.customer_of(session, found, given, ctx().policy, now())
    if phone is None:
        return _over(twiml)
    dial = Dial(
        caller_id=ctx().policy.official_phone,
        timeout=RING_SECONDS,
        action=url_for("bridge.done", call=call),
    )
    dial.number(
        phone,
        status_callback=_told_at(call, "customer"),
        status_callback_event=_EVENTS,
        machine_detection="Enable",
        amd_status_callback=_told_at(call, "machine"),
    )
    twiml.append(dial)
    return xml(twiml)


@pages.post("/voice/bridge/<call>/done")
def done(call: str) -> Response:
    """The customer's leg is over; the agent's goes no further."""
    found, state = _id(call), CUSTOMER.get(request.form.get("DialCallStatus", ""))
    if found and state is not None:
        _tell(found, state)
    return _over(VoiceResponse())


@pages.post("/status/call")
def status() -> Response:
    """How a leg goes, in any order and any number of times; of calls unknown to us, nothing."""
    found, leg = _id(request.args.get("call", "")), request.args.get("leg", "")
    state, error = _meant(leg)
    if found and state is not None and sid("CallSid", "CA"):
        _tell(found, state, error)
    return Response("", mimetype="text/plain")


@pages.errorhandler(Exception)
def out_of_order(error: Exception) -> Response | HTTPException:
    """Nobody is bridged to anybody while something is broken (rule F1)."""
    if isinstance(error, HTTPException):
        return error
    error_handlers.note("cannot bridge", error)
    if request.endpoint == "bridge.status":
        return Response("", 503, mimetype="text/plain")
    return _over(VoiceResponse())


def _meant(leg: str) -> tuple[CallState | None, str]:
    """What a report says, and why when it went wrong."""
    given = request.form.get("CallStatus", "")
    if leg == "machine":
        by = request.form.get("AnsweredBy", "")
        if by.startswith("machine") or by == "fax":
            return CallState.VOICEMAIL, ""
        return (CallState.LIVE, "") if by in ("human", "unknown") else (None, "")
    if leg == "agent":
        state = AGENT.get(given)
        return state, f"agent_{given}" if state is CallState.FAILED else ""
    return (CUSTOMER.get(given), "") if leg == "customer" else (None, "")


def _tell(call: UUID, state: CallState, error: str = "") -> None:
    with unit() as session:
        if bridged_calls.told(session, call, state, ctx().policy, now(), error=error):
            log.info("call reported", state=state.value)


def _told_at(call: str, leg: str) -> str:
    return f"{ctx().base_url}{url_for('bridge.status', call=call, leg=leg)}"


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _over(twiml: VoiceResponse) -> Response:
    twiml.hangup()
    return xml(twiml)
