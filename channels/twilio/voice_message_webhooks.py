"""Automatic calls: play a message after a key is pressed, and take answers by keys.

Nothing is said before a key is pressed, so that no machine records it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import Blueprint, Response, request, url_for
from sqlmodel import Session
from twilio.twiml.voice_response import Gather, VoiceResponse
from werkzeug.exceptions import HTTPException

from channels import error_handlers
from channels.app_context import current_context, current_time, unit_of_work
from channels.twilio.signature import require_signature
from channels.twilio.twiml import twiml_response, voice_language
from messaging import call_consent, voice_message, voice_templates
from messaging.message_context import MessageContext
from messaging.voice_message import VoiceMessage
from people import phone_numbers
from people.errors import InvalidInput
from people.models import Customer
from procedures import callback_refusal
from scheduling import callback_rows
from scheduling.booking import slot_offers
from scheduling.errors import SlotTaken, WrongState
from scheduling.models import Callback
from scheduling.notifications import callback_notifier
from scheduling.notifications.ring_back import KIND as OWN
from scheduling.states import CallbackState

bp = Blueprint("aloud", __name__, url_prefix="/twilio/voice/spoken")
bp.before_request(require_signature)

KEY_TIMEOUT_SECONDS = 8


@dataclass(frozen=True)
class _AnsweredCall:
    """An automatic call that was picked up."""

    session: Session
    message: VoiceMessage
    voice: MessageContext
    keys: str
    now: datetime

    @property
    def callback(self) -> Callback | None:
        """The booked call that the message is about, locked; ``None`` without one."""
        if self.message.kind == OWN:
            upcoming = callback_rows.lock_upcoming_callbacks(
                self.session, self.message.customer_id, self.now
            )
            return next(
                (callback for callback in upcoming if callback.state == CallbackState.BOOKED), None
            )
        if self.message.callback_id is None:
            return None
        callback = callback_rows.lock_callback(self.session, self.message.callback_id)
        return callback if callback is not None and callback.state == CallbackState.BOOKED else None


@dataclass(frozen=True)
class _Prompt:
    """The text to say, and the stage of the next key; empty to hang up."""

    text: str
    stage: str = ""


@bp.post("/<message>")
def receive_pick_up(message: str) -> Response:
    """Handle the phone being picked up by a person or a machine, and each key."""
    stage = request.args.get("stage", "")
    with unit_of_work() as session:
        opened = voice_message.open_voice_message(
            session, _parse_message_id(message), _called_number(), current_time()
        )
        if opened is None:
            return _hang_up_message()
        customer = session.get_one(Customer, opened.customer_id)
        voice = callback_notifier.customer_message_context(
            session, customer, current_context().policy, current_time()
        )
        call = _AnsweredCall(session, opened, voice, request.form.get("Digits", ""), current_time())
        prompt = _STAGES.get(stage, _say_press_key)(call)
        return _prompt_twiml(prompt, voice, message)


@bp.errorhandler(Exception)
def end_broken_message(error: Exception) -> Response | HTTPException:
    """End the call after any error."""
    if isinstance(error, HTTPException):
        return error
    error_handlers.log_failure("cannot go on", error)
    return _hang_up_message()


def _parse_message_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)


def _called_number() -> str:
    """Return the number that was called, in E.164; empty if it is invalid."""
    try:
        return phone_numbers.parse_phone(request.form.get("To", ""), "ZZ")
    except InvalidInput:
        return ""


def _say_press_key(call: _AnsweredCall) -> _Prompt:
    return _Prompt(voice_templates.prompt_accept_message(call.voice), "hear")


def _handle_first_key(call: _AnsweredCall) -> _Prompt:
    if call.keys != "1":
        return _Prompt("")
    call_consent.record_message_heard(call.session, call.message.id, call.now)
    return _say_voice_message(call)


def _say_voice_message(call: _AnsweredCall) -> _Prompt:
    callback = call.callback
    text = _next_callback_speech(call, callback) if call.message.kind == OWN else call.message.body
    return _Prompt(
        f"{text} {voice_templates.prompt_message_keys(call.voice, booked=callback is not None)}",
        "answer",
    )


def _next_callback_speech(call: _AnsweredCall, callback: Callback | None) -> str:
    if callback is None:
        return voice_templates.say_nothing_booked(call.voice)
    agent = callback_notifier.agent_first_name(call.session, callback.agent_id)
    return voice_templates.say_upcoming_call(call.voice, agent, callback.starts_at)


def _handle_answer_key(call: _AnsweredCall) -> _Prompt:
    callback = call.callback
    if call.keys == "1":
        return _say_voice_message(call)
    if callback is None or call.keys not in ("2", "3"):
        return _Prompt("")
    if call.keys == "2":
        callback_refusal.refuse_and_report(call.session, callback, "voice", call.now)
        return _Prompt(voice_templates.say_call_refused(call.voice))
    return _say_offered_times(call, callback)


def _say_offered_times(call: _AnsweredCall, callback: Callback) -> _Prompt:
    offers = slot_offers.offer_other_slots(
        call.session, callback, current_context().policy, call.now
    )
    text = voice_templates.prompt_offered_times(call.voice, [offer.starts_at for offer in offers])
    return _Prompt(text, "pick" if offers else "")


def _handle_offer_key(call: _AnsweredCall) -> _Prompt:
    offers = slot_offers.list_open_offers(call.session, call.message.customer_id, call.now)
    offer = next((candidate for candidate in offers if str(candidate.number) == call.keys), None)
    if offer is None:
        return _Prompt("")
    try:
        moved = slot_offers.accept_offer(call.session, offer, current_context().policy, call.now)
    except (SlotTaken, WrongState):
        callback = call.callback
        return _say_offered_times(call, callback) if callback is not None else _Prompt("")
    if moved is None:
        return _Prompt("")
    agent = callback_notifier.agent_first_name(call.session, moved.agent_id)
    return _Prompt(voice_templates.say_upcoming_call(call.voice, agent, moved.starts_at))


_STAGES: dict[str, Callable[[_AnsweredCall], _Prompt]] = {
    "hear": _handle_first_key,
    "answer": _handle_answer_key,
    "pick": _handle_offer_key,
}


def _prompt_twiml(said: _Prompt, voice: MessageContext, message: str) -> Response:
    twiml = VoiceResponse()
    language = voice_language(voice.locale)
    if not said.stage:
        twiml.say(f"{said.text} {voice_templates.say_goodbye(voice)}".strip(), language=language)
        twiml.hangup()
        return twiml_response(twiml)
    gather = Gather(
        input="dtmf",
        action=url_for("aloud.receive_pick_up", message=message, stage=said.stage),
        num_digits=1,
        timeout=KEY_TIMEOUT_SECONDS,
    )
    for _ in range(2):
        gather.say(said.text, language=language)
        gather.pause(length=2)
    twiml.append(gather)
    twiml.hangup()
    return twiml_response(twiml)


def _hang_up_message() -> Response:
    twiml = VoiceResponse()
    twiml.hangup()
    return twiml_response(twiml)
