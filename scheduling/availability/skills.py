"""Skills of agents: languages and products."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, delete, select

from people.errors import InvalidInput
from scheduling.availability.agent_assignment import LANGUAGE, PRODUCT
from scheduling.error_codes import SchedulingErrorCode
from scheduling.models import Skill
from vault.audit import audit_log
from vault.audit.acts import AuditAct

KINDS = (LANGUAGE, PRODUCT)
MAX_SKILLS = 20
_VALUE = re.compile(r"[\w][\w .+-]{0,31}")


def load_agent_skills(session: Session, staff_id: UUID) -> dict[str, list[str]]:
    """Return an agent's skills by kind, sorted."""
    skills_by_kind: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for row in session.exec(select(Skill).where(col(Skill.staff_id) == staff_id)):
        skills_by_kind[row.kind].append(row.value)
    return {kind: sorted(values) for kind, values in skills_by_kind.items()}


def list_known_skills(session: Session, kind: str) -> list[str]:
    """Return all distinct skills of a kind, sorted."""
    return sorted(session.exec(select(Skill.value).where(col(Skill.kind) == kind).distinct()))


def parse_skills(text: str, field: str) -> list[str]:
    """Parse text like ``de, router`` into lower-case skills. Raise ``InvalidInput``."""
    values = list(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
    if len(values) > MAX_SKILLS or not all(_VALUE.fullmatch(value) for value in values):
        raise InvalidInput(field, SchedulingErrorCode.SKILLS_INVALID)
    return values


def replace_agent_skills(
    session: Session,
    staff_id: UUID,
    skills: Mapping[str, Sequence[str]],
    actor: audit_log.Actor,
    now: datetime,
) -> None:
    """Replace all skills of an agent, by kind."""
    session.exec(delete(Skill).where(col(Skill.staff_id) == staff_id))
    session.add_all(
        Skill(staff_id=staff_id, kind=kind, value=value)
        for kind in KINDS
        for value in skills.get(kind, ())
    )
    session.flush()
    audit_log.record_act(session, actor, AuditAct.SKILLS_SET, now, detail=str(staff_id))
