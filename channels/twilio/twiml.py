"""What the line says, as TwiML."""

from __future__ import annotations

from flask import Response, url_for
from twilio.twiml.voice_response import Gather, VoiceResponse

from channels.voice.ivr_state import Turn
from messaging import voice_templates

PATIENCE_SECONDS = 8


def turn(said: Turn) -> Response:
    """Say the texts. While keys are expected it listens from the first word on, early keys
    included; silence is told to the next step as well."""
    twiml = VoiceResponse()
    if said.stage:
        twiml.append(_listening(said))
    else:
        _say(twiml, said)
        twiml.hangup()
    return xml(twiml)


def nobody() -> Response:
    """The line is busy."""
    twiml = VoiceResponse()
    twiml.reject(reason="busy")
    return xml(twiml)


def _listening(said: Turn) -> Gather:
    count = {"num_digits": said.digits} if said.digits else {}
    gather = Gather(
        input="dtmf",
        action=url_for(f"voice.{said.stage}", at=said.step.sealed),
        timeout=PATIENCE_SECONDS,
        finish_on_key="#",
        action_on_empty_result=True,
        **count,
    )
    _say(gather, said)
    return gather


def _say(verb: VoiceResponse | Gather, said: Turn) -> None:
    for locale, text in said.says:
        verb.say(text, language=voice_templates.SPEECH.get(locale, "en-GB"))


def xml(twiml: VoiceResponse) -> Response:
    """The TwiML as an answer."""
    return Response(str(twiml), mimetype="text/xml")
