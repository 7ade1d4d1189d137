"""Schemas of checks: the code a customer reads out, and the verdict on it."""

from __future__ import annotations

from typing import Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    Field,
    StrictStr,
)

from channels.api.schemas import Input, Phone
from verification.verdicts import Channel


class CheckIn(Input):
    """A check: the customer's own number, and the code that the caller told them."""

    phone: Phone
    code: StrictStr = Field(
        max_length=64, description="Digits as text, so that no zero is lost", examples=["482915"]
    )


class GenuineOut(BaseModel):
    """The caller is genuine."""

    verdict: Literal["genuine"]
    caller: str
    organisation: str
    topic: str
    booked_for: AwareDatetime
    reply_word: str
    checked_at: AwareDatetime


class AlreadyOut(BaseModel):
    """The code is right, but has been confirmed before."""

    verdict: Literal["already_confirmed"]
    confirmed_at: AwareDatetime
    channel: Channel


class NotConfirmedOut(BaseModel):
    """Any other result."""

    verdict: Literal["not_confirmed"]


class CannotCheckOut(BaseModel):
    """The service cannot check: treat the caller as not confirmed."""

    verdict: Literal["cannot_check"]


class CheckOut(BaseModel):
    """The verdict; it decides which members are present."""

    verdict: Literal["genuine", "already_confirmed", "not_confirmed"]
    caller: str | None = None
    organisation: str | None = None
    topic: str | None = None
    booked_for: AwareDatetime | None = None
    reply_word: str | None = None
    checked_at: AwareDatetime | None = None
    confirmed_at: AwareDatetime | None = None
    channel: Channel | None = None
