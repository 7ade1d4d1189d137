"""Schemas of reports of unexpected calls."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import (
    BaseModel,
    Field,
    StrictBool,
    StrictStr,
)

from channels.api.schemas import Input, Instant, Phone

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
