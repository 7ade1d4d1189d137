"""What every gateway does, and what can go wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

TEXT, VOICE = "text", "voice"


@dataclass(frozen=True)
class OutboundMessage:
    """A text on its way out, or with ``medium`` ``voice`` one that is spoken. ``reference`` is ours
    and the same at every try; ``to`` is E.164; ``first_tried_at`` is when its first try could have
    reached the provider; from ``expires_at`` it is of no more use."""

    reference: UUID
    to: str
    body: str
    first_tried_at: datetime
    expires_at: datetime
    medium: str = TEXT


class Rejected(Exception):
    """The provider will never send this; ``code`` says why (``opted_out``, ``landline`` …)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Unavailable(Exception):
    """The provider certainly did not take this, and may do so later: after ``rest``, if it said."""

    def __init__(self, rest: timedelta | None = None) -> None:
        super().__init__()
        self.rest = rest


class OutcomeUnknown(Exception):
    """The provider may or may not have taken this: it must be looked up before another try."""


class SmsProvider(Protocol):
    """A provider of text messages."""

    name: str

    def send_message(self, letter: OutboundMessage, now: datetime) -> str:
        """Hand over a text, or ring to speak it; gives the provider's id for it.

        Raises :class:`Rejected`, :class:`Unavailable` or :class:`OutcomeUnknown`.
        """
        ...

    def find_message(self, letter: OutboundMessage) -> str | None:
        """The provider's id for a text whose outcome was unknown, or ``None`` if it never took it.

        Raises :class:`Unavailable` when the provider cannot say.
        """
        ...

    def look_up_line_type(self, phone: str) -> str:
        """What kind of line a number is: ``landline``, ``mobile`` or another word of the
        provider's, ``unknown`` where it does not know.

        Raises :class:`Unavailable` when the provider cannot say.
        """
        ...
