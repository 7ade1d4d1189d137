"""The protocol of text message providers, and its errors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

TEXT, VOICE = "text", "voice"


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


class SmsProvider(Protocol):
    """A provider of text messages."""

    name: str

    def send_message(self, letter: OutboundMessage, now: datetime) -> str:
        """Send a text, or place a call to speak it; return the provider's id.

        Raise :class:`Rejected`, :class:`Unavailable` or :class:`OutcomeUnknown`.
        """
        ...

    def find_message(self, letter: OutboundMessage) -> str | None:
        """Return the provider's id of a text with unknown outcome; ``None`` if never accepted.

        Raise :class:`Unavailable` if the provider cannot tell.
        """
        ...

    def look_up_line_type(self, phone: str) -> str:
        """Return the line type of a number: ``landline``, ``mobile`` or a term of the provider.

        ``unknown`` means that the provider does not know. Raise :class:`Unavailable` if it cannot
        tell.
        """
        ...
