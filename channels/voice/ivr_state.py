"""The state of a call to the official line, and what the line says next.

State goes from one turn to the next in the URL (or form) of the next request. The signature of a
webhook covers it, and it is encrypted because it contains personal data.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import asdict, dataclass, replace

from channels.app_context import current_context
from messaging import voice_templates
from messaging.message_context import MessageContext
from vault.errors import Tampered
from vault.keys import keyring

_SEAL_CONTEXT = "voice.step"
MAX_ASKS = 4


@dataclass(frozen=True)
class Caller:
    """The caller: the provider's id of the call, the number it comes from (E.164, empty if
    withheld), and whether the caller has hung up."""

    call: str
    phone: str
    gone: bool = False


@dataclass(frozen=True)
class IvrState:
    """The state of a call: its language, how often the line has asked, the number that the caller
    keyed in, the verdict to repeat, and the reference of a report made in this call."""

    locale: str
    asks: int = 0
    phone: str = ""
    said: str = ""
    report: str = ""

    def next_state(self, **changes: object) -> IvrState:
        """Return the state for the next turn."""
        return replace(self, asks=self.asks + 1, **changes)  # type: ignore[arg-type]

    @property
    def voice(self) -> MessageContext:
        return current_context().policy.message_context_for(self.locale)

    @property
    def sealed(self) -> str:
        """The state as encrypted text for URLs and forms."""
        plain = json.dumps(asdict(self))
        sealed = current_context().ring.seal_for_purpose(keyring.LINE, _SEAL_CONTEXT, plain)
        return base64.urlsafe_b64encode(sealed).decode()


@dataclass(frozen=True)
class CallerInput:
    """A turn of the caller: the state of the call, the keys, and the caller."""

    step: IvrState
    keys: str
    caller: Caller

    @property
    def phone(self) -> str:
        return self.step.phone or self.caller.phone


@dataclass(frozen=True)
class IvrTurn:
    """What the line says, each text with its language. ``stage`` handles the keys that follow
    (empty: the line hangs up) and gets ``step``; ``digits`` is how many keys are enough (0: until
    hash or silence)."""

    step: IvrState
    says: tuple[tuple[str, str], ...]
    stage: str = ""
    digits: int = 0


def prompt_for_keys(step: IvrState, text: str, stage: str, *, digits: int = 0) -> IvrTurn:
    """Say a text and wait for keys."""
    return IvrTurn(step.next_state(), ((step.locale, text),), stage, digits)


def say_and_hang_up(step: IvrState, *texts: str) -> IvrTurn:
    """Say the texts and hang up."""
    says = (*texts, voice_templates.say_goodbye(step.voice))
    return IvrTurn(step, tuple((step.locale, text) for text in says))


def unseal_state(text: str, default_locale: str) -> IvrState:
    """Decrypt a state; return a new one if the text is empty or invalid."""
    try:
        sealed = base64.urlsafe_b64decode(text)
        return IvrState(
            **json.loads(
                current_context().ring.open_for_purpose(keyring.LINE, _SEAL_CONTEXT, sealed)
            )
        )
    except (binascii.Error, ValueError, TypeError, Tampered):
        return IvrState(default_locale)
