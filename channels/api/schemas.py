"""Request and response schemas of the API (pydantic)."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
)

from messaging.call_states import CallState
from people.customers.lookup_purposes import LookupPurpose
from scheduling.states import CallbackState, CallOutcome
from verification.verdicts import Channel

Phone = Annotated[
    StrictStr,
    Field(max_length=40, description="With or without country code", examples=["+447400123456"]),
]


def _require_written_time(value: Any) -> Any:
    """Require a time as text: a bare number could count seconds or milliseconds."""
    if isinstance(value, str) and re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]", value):
        return value
    raise ValueError("Write a time like 2026-11-24T14:00:00+00:00, with its offset.")


#: RFC 3339, with an offset.
Instant = Annotated[AwareDatetime, BeforeValidator(_require_written_time)]


#: Whose time a booking takes: the agent's own, or that of any free agent.
AgentChoice = Literal["me", "any"]
ME: AgentChoice = "me"


class Input(BaseModel):
    """The body or query of a request. Unknown members are rejected, so that typing errors show."""

    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """A problem document (RFC 9457). ``code`` never changes; ``title`` and ``detail`` may."""

    model_config = ConfigDict(extra="allow")

    type: str = "about:blank"
    title: str
    status: int
    code: str = Field(description="A stable code of the problem", examples=["slot_already_taken"])
    detail: str = ""


class FieldProblem(BaseModel):
    """A member of a request that is invalid."""

    field: str
    code: str = Field(description="A stable code of the problem", examples=["phone_invalid"])
    detail: str


class InvalidProblem(Problem):
    """A problem document for an invalid request, with its invalid members."""

    errors: list[FieldProblem] = []


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


class SlotsQuery(Input):
    """A range of time; ``timezone`` is the customer's, in which calling hours apply."""

    from_: Instant = Field(alias="from")
    to: Instant
    minutes: int = Field(15, ge=5, le=120)
    timezone: str = Field("", max_length=64)
    agent: AgentChoice = Field(ME, description="``any``: anybody who could make the call")
    team: UUID | None = None
    language: str = Field("", max_length=32)
    product: str = Field("", max_length=32)


class SlotsOut(BaseModel):
    """Free start times, earliest first."""

    minutes: int
    slots: list[AwareDatetime]


#: What a caller asks for, or is given; ``nothing`` says that there was none.
Thing = Literal["code", "password", "remote", "money", "card", "install", "other", "nothing"]


class ReportIn(Input):
    """An unexpected call. ``tell_me`` requests a text with the outcome, to the number given."""

    phone: Phone
    called_at: Instant | None = None
    shown_number: StrictStr = Field("", max_length=40)
    number_hidden: StrictBool = False
    claimed_to_be: StrictStr = Field("", max_length=100)
    said: StrictStr = Field("", max_length=1000)
    knew: list[Literal["name", "phone", "ticket", "product", "address", "other"]] = Field(
        [], max_length=6
    )
    asked_for: list[Thing] = Field([], max_length=8)
    gave: list[Thing] = Field([], max_length=8)
    tell_me: StrictBool = False


class ReferenceOut(BaseModel):
    """The reference of the report."""

    reference: str


class ReportOut(BaseModel):
    """A report, without its reporter. ``refused`` is a booked call that its customer did not ask
    for; ``objection`` is one to an access to the customer's record, not to a call. ``times`` counts
    duplicates; a ``doubtful`` report seems to come from a program."""

    reference: str
    kind: Literal["report", "refused", "objection"]
    at: datetime
    channel: str
    proven: bool
    known_customer: bool
    called_at: datetime | None
    shown_number: str
    number_hidden: bool
    claimed_to_be: str
    said: str
    knew: list[str]
    asked_for: list[str]
    gave: list[str]
    times: int
    doubtful: bool


class ReportsOut(BaseModel):
    """The latest reports, newest first."""

    reports: list[ReportOut]
