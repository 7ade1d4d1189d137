"""Schemas of callbacks and their calls: what a request brings, and what an answer holds."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from pydantic import (
    AwareDatetime,
    BaseModel,
    Field,
    StrictInt,
    StrictStr,
)

from channels.api.schemas import ME, AgentChoice, Input, Instant, Phone
from messaging.call_states import CallState
from people.customers.lookup_purposes import LookupPurpose
from scheduling.states import CallbackState, CallOutcome
from verification.verdicts import Channel


class CustomerIn(Input):
    """The customer of a booking; added if the number is new."""

    phone: Phone
    name: StrictStr = Field("", max_length=60)
    locale: StrictStr = Field("", max_length=16, examples=["en"])
    timezone: StrictStr = Field("", max_length=64, examples=["Europe/London"])
    external_ref: StrictStr = Field("", max_length=60)


class CallbackIn(Input):
    """A callback to book, for ``customer`` or for a ``customer_id`` from an earlier booking."""

    customer: CustomerIn | None = None
    customer_id: UUID | None = None
    starts_at: Instant = Field(description="RFC 3339, with its offset")
    minutes: StrictInt = Field(15, ge=5, le=120)
    topic: StrictStr = Field(max_length=40)
    ticket: StrictStr = Field("", max_length=40)
    agent: AgentChoice = Field(ME, description="``any``: an agent who is free, in turn")
    team: UUID | None = Field(None, description="Of this team; the agent's own unless given")
    language: StrictStr = Field("", max_length=32, examples=["de"])
    product: StrictStr = Field("", max_length=32, examples=["router"])
    purpose: LookupPurpose = Field(
        LookupPurpose.BOOKING, description="Why the customer is looked up"
    )


class AgentOut(BaseModel):
    """An agent, by first name."""

    id: UUID
    name: str


class CustomerOut(BaseModel):
    """What the agent of a callback sees of its customer."""

    id: UUID
    name: str
    phone_masked: str
    timezone: str


class CallbackOut(BaseModel):
    """A callback."""

    id: UUID
    reference: str = Field(description="To be said on the phone; the same through every move")
    state: CallbackState
    starts_at: AwareDatetime
    minutes: int
    topic: str
    ticket: str
    agent: AgentOut | None = Field(None, description="Who makes the call, where it is not you")
    customer: CustomerOut | None = Field(
        description="None where the call is another agent's, and in lists until it is at hand"
    )
    started_at: AwareDatetime | None = None
    confirmed_at: AwareDatetime | None = None
    channel: Channel | None = None
    ended_at: AwareDatetime | None = None
    outcome: CallOutcome | None = None
    move_asked_at: AwareDatetime | None = None
    moves: int = Field(0, description="How often it was given another time")
    follows: UUID | None = Field(None, description="The call before, which reached nobody")
    followed_by: UUID | None = Field(None, description="The next try, booked automatically")
    call: CallState | None = Field(None, description="How far a bridged call got")


class CallbacksOut(BaseModel):
    """The callbacks of one day."""

    on: date
    callbacks: list[CallbackOut]


class CallbackPath(BaseModel):
    """Which callback."""

    id: UUID


class DayQuery(Input):
    """Which day, in the agent's time zone; today by default."""

    on: date | None = None


class MoveIn(Input):
    """A new time."""

    starts_at: Instant


class HandOverIn(Input):
    """The agent to hand the callback over to."""

    agent: UUID


class HandedOut(BaseModel):
    """The agent who makes the call now."""

    id: UUID
    reference: str
    agent: AgentOut


class ColleaguesOut(BaseModel):
    """The other agents."""

    colleagues: list[AgentOut]


class EndIn(Input):
    """How the call went."""

    outcome: CallOutcome


class CodeOut(BaseModel):
    """The code to read out."""

    code: str
    valid_until: AwareDatetime


class PhoneOut(BaseModel):
    """The progress of a bridged call; the code is available while it is ``live``."""

    call: CallState
    error: str | None
