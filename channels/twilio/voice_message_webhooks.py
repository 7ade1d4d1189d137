"""Automatic calls: a message is said to whoever presses a key, and can be answered by keys.

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
from channels.app_context import ctx, now, unit
from channels.twilio.signature import require_signature
from channels.twilio.twiml import xml
from messaging import call_consent, voice_message, voice_templates
from messaging.text_templates import Voice
from messaging.voice_message import Aloud
from people import phone_numbers
from people.errors import InvalidInput
from people.models import Customer
from procedures import callback_refusal
from scheduling import callbacks
from scheduling.booking import slot_offers
from scheduling.errors import SlotTaken, WrongState
from scheduling.models import Callback
from scheduling.notifications import callback_notifier
from scheduling.notifications.ring_back import KIND as OWN
from scheduling.states import State

pages = Blueprint("aloud", __name__, url_prefix="/twilio/voice/spoken")
pages.before_request(require_signature)

PATIENCE_SECONDS = 8


@dataclass(frozen=True)
class _Call:
    """An automatic call that somebody has picked up."""

    session: Session
    message: Aloud
    voice: Voice
    keys: str
    now: datetime

    @property
    def callback(self) -> Callback | None:
        """The booked call that it is about, locked."""
        if self.message.kind == OWN:
            found = callbacks.upcoming(self.session, self.message.customer_id, self.now)
            return next((each for each in found if each.state == State.BOOKED), None)
        if self.message.callback_id is None:
            return None
        one = callbacks.locked(self.session, self.message.callback_id)
        return one if one is not None and one.state == State.BOOKED else None


@dataclass(frozen=True)
class _Said:
    """What is said, and the stage that the next key is for; empty to hang up."""

    text: str
    stage: str = ""


@pages.post("/<message>")
def pick_up(message: str) -> Response:
    """Somebody, or a machine, has picked up; or pressed a key."""
    stage = request.args.get("stage", "")
    with unit() as session:
        found = voice_message.opened(session, _id(message), _rung(), now())
        if found is None:
            return _over()
        customer = session.get_one(Customer, found.customer_id)
        voice = callback_notifier.voice_of(session, customer, ctx().policy, now())
        call = _Call(session, found, voice, request.form.get("Digits", ""), now())
        said = _STAGES.get(stage, _knock)(call)
        return _twiml(said, voice, message)


@pages.errorhandler(Exception)
def out_of_order(error: Exception) -> Response | HTTPException:
    """Whatever it is, the call ends."""
    if isinstance(error, HTTPException):
        return error
    error_handlers.note("cannot go on", error)
    return _over()


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)


def _rung() -> str:
    """The phone that was rung."""
    try:
        return phone_numbers.parse(request.form.get("To", ""), "ZZ")
    except InvalidInput:
        return ""


def _knock(call: _Call) -> _Said:
    return _Said(voice_templates.knock(call.voice), "hear")


def _hear(call: _Call) -> _Said:
    if call.keys != "1":
        return _Said("")
    call_consent.note_heard(call.session, call.message.id, call.now)
    return _message(call)


def _message(call: _Call) -> _Said:
    callback = call.callback
    text = _own(call, callback) if call.message.kind == OWN else call.message.body
    return _Said(
        f"{text} {voice_templates.keys(call.voice, booked=callback is not None)}", "answer"
    )


def _own(call: _Call, callback: Callback | None) -> str:
    if callback is None:
        return voice_templates.nothing_booked(call.voice)
    agent = callback_notifier.agent_name(call.session, callback.agent_id)
    return voice_templates.coming(call.voice, agent, callback.starts_at)


def _answer(call: _Call) -> _Said:
    callback = call.callback
    if call.keys == "1":
        return _message(call)
    if callback is None or call.keys not in ("2", "3"):
        return _Said("")
    if call.keys == "2":
        callback_refusal.refuse(call.session, callback, "voice", call.now)
        return _Said(voice_templates.taken_off(call.voice))
    return _offer(call, callback)


def _offer(call: _Call, callback: Callback) -> _Said:
    made = slot_offers.make(call.session, callback, ctx().policy, call.now)
    text = voice_templates.times(call.voice, [each.starts_at for each in made])
    return _Said(text, "pick" if made else "")


def _pick(call: _Call) -> _Said:
    standing = slot_offers.standing(call.session, call.message.customer_id, call.now)
    offer = next((each for each in standing if str(each.number) == call.keys), None)
    if offer is None:
        return _Said("")
    try:
        moved = slot_offers.take(call.session, offer, ctx().policy, call.now)
    except (SlotTaken, WrongState):
        callback = call.callback
        return _offer(call, callback) if callback is not None else _Said("")
    if moved is None:
        return _Said("")
    agent = callback_notifier.agent_name(call.session, moved.agent_id)
    return _Said(voice_templates.coming(call.voice, agent, moved.starts_at))


_STAGES: dict[str, Callable[[_Call], _Said]] = {"hear": _hear, "answer": _answer, "pick": _pick}


def _twiml(said: _Said, voice: Voice, message: str) -> Response:
    twiml = VoiceResponse()
    language = voice_templates.SPEECH.get(voice.locale, "en-GB")
    if not said.stage:
        twiml.say(f"{said.text} {voice_templates.goodbye(voice)}".strip(), language=language)
        twiml.hangup()
        return xml(twiml)
    gather = Gather(
        input="dtmf",
        action=url_for("aloud.pick_up", message=message, stage=said.stage),
        num_digits=1,
        timeout=PATIENCE_SECONDS,
    )
    for _ in range(2):
        gather.say(said.text, language=language)
        gather.pause(length=2)
    twiml.append(gather)
    twiml.hangup()
    return xml(twiml)


def _over() -> Response:
    twiml = VoiceResponse()
    twiml.hangup()
    return xml(twiml)
