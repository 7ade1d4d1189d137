"""The signed-in member of staff."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from people.models import Role
from vault.audit import audit_log


@dataclass(frozen=True)
class Principal:
    """An authenticated member of staff."""

    id: UUID
    role: Role
    session_id: UUID | None = None

    @property
    def actor(self) -> audit_log.Actor:
        return audit_log.staff_actor(self.id)
