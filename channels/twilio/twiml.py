"""Renders the turns of the official line as TwiML."""

from __future__ import annotations

from flask import Response, url_for
from twilio.twiml.voice_response import Gather, VoiceResponse

from channels.voice.ivr_state import IvrTurn
from messaging import voice_templates

KEY_TIMEOUT_SECONDS = 8


def render_ivr_turn(said: IvrTurn) -> Response:
    """Render a turn. If keys are expected, it listens from the first word on and accepts early
    keys; silence also goes to the next stage."""
    twiml = VoiceResponse()
    if said.stage:
        twiml.append(_gather_keys(said))
    else:
        _say_turn_texts(twiml, said)
        twiml.hangup()
    return twiml_response(twiml)


def reject_as_busy() -> Response:
    """Reject the call as busy."""
    twiml = VoiceResponse()
    twiml.reject(reason="busy")
    return twiml_response(twiml)


def _gather_keys(said: IvrTurn) -> Gather:
    count = {"num_digits": said.digits} if said.digits else {}
    gather = Gather(
        input="dtmf",
        action=url_for(f"voice.{said.stage}", at=said.step.sealed),
        timeout=KEY_TIMEOUT_SECONDS,
        finish_on_key="#",
        action_on_empty_result=True,
        **count,
    )
    _say_turn_texts(gather, said)
    return gather


def _say_turn_texts(verb: VoiceResponse | Gather, said: IvrTurn) -> None:
    for locale, text in said.says:
        verb.say(text, language=voice_templates.SPEECH_LANGUAGES.get(locale, "en-GB"))


def twiml_response(twiml: VoiceResponse) -> Response:
    """Return the TwiML as a response."""
    return Response(str(twiml), mimetype="text/xml")
