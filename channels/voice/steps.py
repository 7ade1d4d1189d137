"""TwiML for the steps of a call to the official line, and what one step hands to the next.

What must survive from one webhook to the next travels in the address of the next step, which
Twilio signs along with everything else; what is personal in it is sealed.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import asdict, dataclass, replace

from flask import Response, request, url_for
from twilio.twiml.voice_response import Gather, VoiceResponse

from channels.context import ctx
from messaging import spoken
from messaging.wording import Voice
from vault import keyring
from vault.errors import Tampered

_PLACE = "voice.step"
PATIENCE_SECONDS = 8
MAX_ASKS = 4


@dataclass(frozen=True)
class Step:
    """Where a call stands: its language, how often it was asked, whose number it is about when
    the caller keyed one in, and the verdict to say again."""

    locale: str
    asks: int = 0
    phone: str = ""
    said: str = ""

    def next(self, **changes: object) -> Step:
        """The step after this one."""
        return replace(self, asks=self.asks + 1, **changes)  # type: ignore[arg-type]

    @property
    def voice(self) -> Voice:
        return ctx().policy.voice(self.locale)

    def to(self, endpoint: str) -> str:
        """The address of a webhook that goes on from here."""
        plain = json.dumps(asdict(self))
        sealed = ctx().ring.seal_for(keyring.LINE, _PLACE, plain)
        return url_for(endpoint, at=base64.urlsafe_b64encode(sealed).decode())


def here(default_locale: str) -> Step:
    """The step that this request goes on from; a fresh one without (or with a broken) state."""
    try:
        sealed = base64.urlsafe_b64decode(request.args.get("at", ""))
        return Step(**json.loads(ctx().ring.open_for(keyring.LINE, _PLACE, sealed)))
    except (binascii.Error, ValueError, TypeError, Tampered):
        return Step(default_locale)


def ask(step: Step, text: str, endpoint: str, *, digits: int | None = None) -> Response:
    """Say a text while listening for keys; what is keyed in goes to ``endpoint``, early keys
    included. Silence is asked again, and in the end taken leave of."""
    twiml = VoiceResponse()
    count = {"num_digits": digits} if digits else {}
    gather = Gather(
        input="dtmf",
        action=step.next().to(endpoint),
        timeout=PATIENCE_SECONDS,
        finish_on_key="#",
        action_on_empty_result=True,
        **count,
    )
    _say(gather, step, text)
    twiml.append(gather)
    return xml(twiml)


def leave(step: Step, *texts: str) -> Response:
    """Say the last texts and hang up."""
    twiml = VoiceResponse()
    for text in (*texts, spoken.goodbye(step.voice)):
        _say(twiml, step, text)
    twiml.hangup()
    return xml(twiml)


def ask_language(languages: tuple[str, ...], step: Step, endpoint: str) -> Response:
    """Each language offered in that language."""
    twiml = VoiceResponse()
    gather = Gather(
        input="dtmf", action=step.next().to(endpoint), num_digits=1, action_on_empty_result=True
    )
    for key, locale in enumerate(languages, 1):
        offered = Step(locale)
        _say(gather, offered, spoken.language_choice(offered.voice, key))
    twiml.append(gather)
    return xml(twiml)


def _say(verb: VoiceResponse | Gather, step: Step, text: str) -> None:
    verb.say(text, language=spoken.SPEECH.get(step.locale, "en-GB"))


def xml(twiml: VoiceResponse) -> Response:
    """The TwiML as an answer."""
    return Response(str(twiml), mimetype="text/xml")
