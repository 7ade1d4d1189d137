"""Schemas of free slots."""

from __future__ import annotations

from uuid import UUID

from pydantic import (
    AwareDatetime,
    BaseModel,
    Field,
)

from channels.api.schemas import ME, AgentChoice, Input, Instant


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
