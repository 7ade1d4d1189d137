"""Schemas and types that several resources of the API share: numbers, instants, problems."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictStr,
)

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
