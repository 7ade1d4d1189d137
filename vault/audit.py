"""The audit log: who did or read what, for what purpose, when.

An entry is written in the transaction of the act or reading it tells of. The edge commits before
it answers, so without the entry nothing is done and nothing is shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlmodel import Session

from storage.prepared import Prepared
from storage.session import Work
from vault.acts import AuditAct
from vault.models import AuditEntry

_INSERT = insert(AuditEntry.__table__)  # type: ignore[attr-defined]
_COLUMNS = (
    "at",
    "actor",
    "staff_id",
    "action",
    "customer_id",
    "callback_id",
    "purpose",
    "detail",
)
_INSERT_ONE = Prepared(_INSERT.inline(), _COLUMNS)


@dataclass(frozen=True)
class Actor:
    """Who acts. ``kind`` is ``staff``, ``customer``, ``provider``, ``system`` or ``operator``."""

    kind: str
    staff_id: UUID | None = None


SYSTEM = Actor("system")
OPERATOR = Actor("operator")
PROVIDER = Actor("provider")
CUSTOMER = Actor("customer")


def staff(staff_id: UUID) -> Actor:
    """A member of staff as the one who acts."""
    return Actor("staff", staff_id)


def record(
    session: Work,
    actor: Actor,
    action: AuditAct,
    now: datetime,
    *,
    customer_id: UUID | None = None,
    callback_id: UUID | None = None,
    purpose: str = "",
    detail: str = "",
) -> None:
    """Add one entry. ``purpose`` and ``detail`` hold fixed words and ids, never personal data."""
    row = _row(actor, action, now, customer_id, callback_id, purpose, detail)
    _INSERT_ONE.run(session, row)


def record_many(
    session: Session,
    actor: Actor,
    action: AuditAct,
    now: datetime,
    *,
    about: Iterable[tuple[UUID | None, UUID | None]],
    purpose: str,
    detail: str = "",
) -> None:
    """One entry for each customer of one act or reading: pairs of customer and callback id."""
    rows = [_row(actor, action, now, who, what, purpose, detail) for who, what in about]
    if rows:
        session.connection().execute(_INSERT, rows)


def _row(
    actor: Actor,
    action: AuditAct,
    now: datetime,
    customer_id: UUID | None,
    callback_id: UUID | None,
    purpose: str,
    detail: str,
) -> dict[str, Any]:
    return {
        "at": now,
        "actor": actor.kind,
        "staff_id": actor.staff_id,
        "action": str(action),
        "customer_id": customer_id,
        "callback_id": callback_id,
        "purpose": purpose,
        "detail": detail,
    }
