"""Where a call to the official line stands, and what the line says next.

What must survive from one turn to the next travels in the address (or form) of the next step; a
webhook's is signed along with everything else, and what is personal in it is sealed.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import asdict, dataclass, replace

from channels.app_context import current_context
from messaging import voice_templates
from messaging.text_templates import MessageContext
from vault.errors import Tampered
from vault.keys import keyring

_SEAL_CONTEXT = "voice.step"
MAX_ASKS = 4


@dataclass(frozen=True)
class Caller:
    """Who rings: the provider's id of the call, the number it comes from (E.164, empty when
    withheld), and whether they have hung up meanwhile."""

    call: str
    phone: str
    gone: bool = False


@dataclass(frozen=True)
class IvrState:
    """Where a call stands: its language, how often it was asked, whose number it is about when
    the caller keyed one in, the verdict to say again, and the reference of a report made in it."""

    locale: str
    asks: int = 0
    phone: str = ""
    said: str = ""
    report: str = ""

    def next_state(self, **changes: object) -> IvrState:
        """The step after this one."""
        return replace(self, asks=self.asks + 1, **changes)  # type: ignore[arg-type]

    @property
    def voice(self) -> MessageContext:
        return current_context().policy.message_context_for(self.locale)

    @property
    def sealed(self) -> str:
        """This step as text that can be handed out."""
        plain = json.dumps(asdict(self))
        sealed = current_context().ring.seal_for_purpose(keyring.LINE, _SEAL_CONTEXT, plain)
        return base64.urlsafe_b64encode(sealed).decode()


@dataclass(frozen=True)
class CallerInput:
    """A turn of the caller's: where the call stood, what was keyed in, and by whom."""

    step: IvrState
    keys: str
    caller: Caller

    @property
    def phone(self) -> str:
        return self.step.phone or self.caller.phone


@dataclass(frozen=True)
class IvrTurn:
    """What the line says, each text with its language; ``stage`` is what the keys that follow
    are for (empty: the line hangs up), ``step`` goes along with them, and ``digits`` is how many
    keys are enough (0: until hash or silence)."""

    step: IvrState
    says: tuple[tuple[str, str], ...]
    stage: str = ""
    digits: int = 0


def prompt_for_keys(step: IvrState, text: str, stage: str, *, digits: int = 0) -> IvrTurn:
    """Say something, and wait for keys."""
    return IvrTurn(step.next_state(), ((step.locale, text),), stage, digits)


def say_and_hang_up(step: IvrState, *texts: str) -> IvrTurn:
    """Say something, and hang up."""
    says = (*texts, voice_templates.say_goodbye(step.voice))
    return IvrTurn(step, tuple((step.locale, text) for text in says))


def unseal_state(text: str, default_locale: str) -> IvrState:
    """The step from its sealed text; a fresh one without (or with a broken) one."""
    try:
        sealed = base64.urlsafe_b64decode(text)
        return IvrState(
            **json.loads(
                current_context().ring.open_for_purpose(keyring.LINE, _SEAL_CONTEXT, sealed)
            )
        )
    except (binascii.Error, ValueError, TypeError, Tampered):
        return IvrState(default_locale)
