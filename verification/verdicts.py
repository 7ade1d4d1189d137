"""The possible answers of a check."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Channel(StrEnum):
    """How a check reaches us. ``TEXT`` comes from the customer's own number, signed by the
    provider; anybody can use the others, so they share one count of tries (rule C4)."""

    TEXT = "text"
    WEB = "web"
    API = "api"
    KEYPAD = "keypad"


@dataclass(frozen=True)
class Genuine:
    """The caller is ours. ``caller`` is a first name; the reply word goes back to the caller."""

    caller: str
    organisation: str
    topic: str
    booked_for: datetime
    zone: str
    reply_word: str
    checked_at: datetime


@dataclass(frozen=True)
class AlreadyConfirmed:
    """The code is right, but the call was already confirmed."""

    confirmed_at: datetime
    channel: Channel
    zone: str


@dataclass(frozen=True)
class NotConfirmed:
    """Everything else, without a reason (rule C5). ``counted`` is for billing the answer and is
    never shown: it means a wrong try at the code of a call in progress."""

    counted: bool = field(default=False, compare=False, repr=False)


Verdict = Genuine | AlreadyConfirmed | NotConfirmed
