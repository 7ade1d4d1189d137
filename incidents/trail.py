"""The audit log as an investigator reads it. Reading it is an entry too."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from incidents.cases.seeing import entries_for
from people import staff
from people.models import Staff
from vault import audit
from vault.models import AuditEntry

PAGE = 50


@dataclass(frozen=True)
class Line:
    """One entry. ``who`` is a member of staff by name, or the kind of actor."""

    id: int
    at: datetime
    who: str
    action: str
    customer_id: UUID | None
    callback_id: UUID | None
    purpose: str
    detail: str


def page(
    session: Session,
    investigator: audit.Actor,
    now: datetime,
    *,
    before: int | None = None,
    action: str = "",
) -> tuple[list[Line], int | None]:
    """The latest entries, newest first, as they were before this reading; and below which id
    the next page begins, if there is one.

    ``before`` is such an id; ``action`` keeps to one kind of entry.
    """
    statement = select(AuditEntry).order_by(col(AuditEntry.id).desc()).limit(PAGE + 1)
    if investigator.staff_id is not None:
        statement = statement.where(entries_for(investigator.staff_id))
    if before is not None:
        statement = statement.where(col(AuditEntry.id) < before)
    if action:
        statement = statement.where(col(AuditEntry.action) == action)
    rows = session.exec(statement).all()
    read = f"before {before}" if before is not None else "latest"
    audit.record(
        session,
        investigator,
        "audit.read",
        now,
        purpose="oversight",
        detail=f"{read} {action}".strip(),
    )
    shown, names = rows[:PAGE], _names(session, (row.staff_id for row in rows))
    following = shown[-1].id if len(rows) > PAGE else None
    return [_line(row, names) for row in shown], following


def _names(session: Session, ids: Iterable[UUID | None]) -> dict[UUID, str]:
    wanted = {each for each in ids if each is not None}
    found = session.exec(select(Staff).where(col(Staff.id).in_(wanted)))
    return {each.id: staff.name_of(session, each.id, each.name) for each in found}


def _line(row: AuditEntry, names: dict[UUID, str]) -> Line:
    return Line(
        id=row.id or 0,
        at=row.at,
        who=names.get(row.staff_id, row.actor) if row.staff_id else row.actor,
        action=row.action,
        customer_id=row.customer_id,
        callback_id=row.callback_id,
        purpose=row.purpose,
        detail=row.detail,
    )
