"""The protocols of message providers, and their errors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable
from uuid import UUID

TEXT, VOICE = "text", "voice"
MEDIA = (TEXT, VOICE)


@dataclass(frozen=True)
class OutboundMessage:
    """A text to be sent, or spoken if ``medium`` is ``voice``.

    ``reference`` is our id, the same at every try; ``to`` is E.164; ``first_tried_at`` is when the
    first try could have reached the provider; from ``expires_at`` on it is too late.
    """

    reference: UUID
    to: str
    body: str
    first_tried_at: datetime
    expires_at: datetime
    medium: str = TEXT


class Rejected(Exception):
    """The provider will never send this; ``code`` is the reason (``opted_out``, ``landline`` …)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Unavailable(Exception):
    """The provider did not accept this, and may do so later, after ``rest`` if it said so."""

    def __init__(self, rest: timedelta | None = None) -> None:
        super().__init__()
        self.rest = rest


class OutcomeUnknown(Exception):
    """The provider may or may not have accepted this: look it up before another try."""


class MessageProvider(Protocol):
    """What carries queued messages: texts (:class:`SmsProvider`), or calls that speak them
    (:class:`messaging.providers.voice_base.VoiceProvider`).
    """

    name: str

    def send_message(self, letter: OutboundMessage, now: datetime) -> str:
        """Hand a message over; return the provider's id.

        Raise :class:`Rejected`, :class:`Unavailable` or :class:`OutcomeUnknown`.
        """
        ...

    def find_message(self, letter: OutboundMessage) -> str | None:
        """Return the provider's id of a message with unknown outcome; ``None`` if it has none.

        Raise :class:`Unavailable` if the provider cannot tell.
        """
        ...


class SmsProvider(MessageProvider, Protocol):
    """A provider of text messages."""


@runtime_checkable
class LineTypeLookup(Protocol):
    """A provider that can tell what kind of line a number is; not every provider can."""

    def look_up_line_type(self, phone: str) -> str:
        """Return the line type of a number: ``landline``, ``mobile`` or a term of the provider.

        ``unknown`` means that the provider does not know. Raise :class:`Unavailable` if it cannot
        tell.
        """
        ...


@runtime_checkable
class RepeatSafeProvider(Protocol):
    """A provider that recognises our reference, so that a repeated text is sent only once."""

    def is_repeat_safe(self, letter: OutboundMessage, now: datetime) -> bool:
        """Return whether sending this text again now cannot make a second one.

        A text of unknown outcome for which this holds is sent again to the same provider, and never
        to another: that :meth:`~MessageProvider.find_message` found nothing is no proof.
        """
        ...
