"""Where a call to the official line stands, and what the line says next.

What must survive from one turn to the next travels in the address (or form) of the next step; a
webhook's is signed along with everything else, and what is personal in it is sealed.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import asdict, dataclass, replace

from channels.app_context import ctx
from messaging import voice_templates
from messaging.text_templates import Voice
from vault.errors import Tampered
from vault.keys import keyring

_PLACE = "voice.step"
MAX_ASKS = 4


@dataclass(frozen=True)
class Caller:
    """Who rings: the provider's id of the call, the number it comes from (E.164, empty when
    withheld), and whether they have hung up meanwhile."""

    call: str
    phone: str
    gone: bool = False


@dataclass(frozen=True)
class Step:
    """Where a call stands: its language, how often it was asked, whose number it is about when
    the caller keyed one in, the verdict to say again, and the reference of a report made in it."""

    locale: str
    asks: int = 0
    phone: str = ""
    said: str = ""
    report: str = ""

    def next(self, **changes: object) -> Step:
        """The step after this one."""
        return replace(self, asks=self.asks + 1, **changes)  # type: ignore[arg-type]

    @property
    def voice(self) -> Voice:
        return ctx().policy.voice(self.locale)

    @property
    def sealed(self) -> str:
        """This step as text that can be handed out."""
        plain = json.dumps(asdict(self))
        sealed = ctx().ring.seal_for(keyring.LINE, _PLACE, plain)
        return base64.urlsafe_b64encode(sealed).decode()


@dataclass(frozen=True)
class Said:
    """A turn of the caller's: where the call stood, what was keyed in, and by whom."""

    step: Step
    keys: str
    caller: Caller

    @property
    def phone(self) -> str:
        return self.step.phone or self.caller.phone


@dataclass(frozen=True)
class Turn:
    """What the line says, each text with its language; ``stage`` is what the keys that follow
    are for (empty: the line hangs up), ``step`` goes along with them, and ``digits`` is how many
    keys are enough (0: until hash or silence)."""

    step: Step
    says: tuple[tuple[str, str], ...]
    stage: str = ""
    digits: int = 0


def ask(step: Step, text: str, stage: str, *, digits: int = 0) -> Turn:
    """Say something, and wait for keys."""
    return Turn(step.next(), ((step.locale, text),), stage, digits)


def leave(step: Step, *texts: str) -> Turn:
    """Say something, and hang up."""
    says = (*texts, voice_templates.goodbye(step.voice))
    return Turn(step, tuple((step.locale, text) for text in says))


def opened(text: str, default_locale: str) -> Step:
    """The step from its sealed text; a fresh one without (or with a broken) one."""
    try:
        sealed = base64.urlsafe_b64decode(text)
        return Step(**json.loads(ctx().ring.open_for(keyring.LINE, _PLACE, sealed)))
    except (binascii.Error, ValueError, TypeError, Tampered):
        return Step(default_locale)
