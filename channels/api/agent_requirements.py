"""The requirements that a request states for an agent."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from sqlmodel import Session

from people.principal import Principal
from scheduling.availability import teams
from scheduling.availability.agent_assignment import AgentRequirements


class RequirementFields(Protocol):
    """The members of a request that state which agents can make a call."""

    @property
    def team(self) -> UUID | None: ...

    @property
    def language(self) -> str: ...

    @property
    def product(self) -> str: ...


def requirements_from_request(
    session: Session, agent: Principal, asked: RequirementFields
) -> AgentRequirements:
    """Return the requirements of a request, by default for the agent's own team."""
    team = asked.team or teams.team_id_of_agent(session, agent.id)
    return AgentRequirements(team, asked.language.strip().lower(), asked.product.strip().lower())
