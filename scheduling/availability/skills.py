"""What an agent can help with: languages and products."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, delete, select

from people.errors import InvalidInput
from scheduling.availability.agent_assignment import LANGUAGE, PRODUCT
from scheduling.models import Skill
from vault.audit import audit_log
from vault.audit.acts import AuditAct

KINDS = (LANGUAGE, PRODUCT)
MAX_SKILLS = 20
_VALUE = re.compile(r"[\w][\w .+-]{0,31}")


def load_agent_skills(session: Session, staff_id: UUID) -> dict[str, list[str]]:
    """An agent's skills by kind, in order."""
    found: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for row in session.exec(select(Skill).where(col(Skill.staff_id) == staff_id)):
        found[row.kind].append(row.value)
    return {kind: sorted(values) for kind, values in found.items()}


def list_known_skills(session: Session, kind: str) -> list[str]:
    """Every skill of a kind that anybody has."""
    return sorted(session.exec(select(Skill.value).where(col(Skill.kind) == kind).distinct()))


def parse_skills(text: str, field: str) -> list[str]:
    """Skills from ``de, router``, in lower case. Raises ``InvalidInput``."""
    found = list(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
    if len(found) > MAX_SKILLS or not all(_VALUE.fullmatch(item) for item in found):
        raise InvalidInput(field, "Write up to 20 words with commas between them, like: de, en.")
    return found


def replace_agent_skills(
    session: Session,
    staff_id: UUID,
    skills: Mapping[str, Sequence[str]],
    actor: audit_log.Actor,
    now: datetime,
) -> None:
    """Set all of an agent's skills, by kind."""
    session.exec(delete(Skill).where(col(Skill.staff_id) == staff_id))
    session.add_all(
        Skill(staff_id=staff_id, kind=kind, value=value)
        for kind in KINDS
        for value in skills.get(kind, ())
    )
    session.flush()
    audit_log.record_act(session, actor, AuditAct.SKILLS_SET, now, detail=str(staff_id))
