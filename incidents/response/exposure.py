"""Lists the customers exposed by a staff member's access: each customer whose record they read,
when, and what it showed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, select

from incidents.cases.models import Case
from storage import statement_timeout
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.models import AuditEntry

PAGE_SIZE = 50
#: Fields of a customer that each act shows. A phone number is masked except for the call itself.
FIELDS_SHOWN: dict[str, tuple[str, ...]] = {
    AuditAct.CUSTOMER_LOOK_UP: ("name",),
    AuditAct.CUSTOMER_READ: ("name", "ticket", "product"),
    AuditAct.CUSTOMER_ADD: ("name", "phone"),
    AuditAct.CUSTOMER_CHANGE: ("name", "phone"),
    AuditAct.CALLBACK_BOOK: ("name", "ticket", "product"),
}
_DIALLING_PURPOSE = "to ring them"


@dataclass(frozen=True)
class ExposedCustomer:
    """A customer whose record was read: the first and last time, how often, and the ``fields`` that
    it showed."""

    customer_id: UUID
    first_at: datetime
    last_at: datetime
    times: int
    fields: tuple[str, ...]


def build_exposure_conditions(
    staff_id: UUID, since: datetime, until: datetime
) -> list[ColumnElement[bool]]:
    """Conditions for audit entries of exposing accesses, from ``since`` until before ``until``."""
    return [
        col(AuditEntry.staff_id) == staff_id,
        col(AuditEntry.customer_id).is_not(None),
        col(AuditEntry.action).in_(list(FIELDS_SHOWN)),
        col(AuditEntry.at) >= since,
        col(AuditEntry.at) < until,
    ]


def count_exposed_customers(
    session: Session, staff_id: UUID, since: datetime, until: datetime
) -> int:
    """Count the exposed customers."""
    distinct = func.count(func.distinct(AuditEntry.customer_id))
    # Over years, a busy person reads hundreds of thousands of records.
    with statement_timeout.extended_timeout(session):
        count = session.exec(
            select(distinct).where(*build_exposure_conditions(staff_id, since, until))
        ).one()
    return int(count)


def list_exposed_ids(
    session: Session,
    staff_id: UUID,
    since: datetime,
    until: datetime,
    last: UUID | None,
    limit: int,
) -> list[UUID]:
    """Return the next ``limit`` exposed customers by id, after ``last``."""
    statement = select(AuditEntry.customer_id).where(
        *build_exposure_conditions(staff_id, since, until)
    )
    if last is not None:
        statement = statement.where(col(AuditEntry.customer_id) > last)
    ids = session.exec(statement.distinct().order_by(col(AuditEntry.customer_id)).limit(limit))
    return [customer_id for customer_id in ids if customer_id is not None]


def load_exposure_page(
    session: Session,
    case: Case,
    staff_id: UUID,
    since: datetime,
    until: datetime,
    reader: UUID,
    now: datetime,
    last: UUID | None = None,
) -> list[ExposedCustomer]:
    """Return a page of exposed customers, by id only, and record an audit entry for each of
    them."""
    ids = list_exposed_ids(session, staff_id, since, until, last, PAGE_SIZE)
    rows = session.exec(
        select(AuditEntry)
        .where(
            *build_exposure_conditions(staff_id, since, until), col(AuditEntry.customer_id).in_(ids)
        )
        .order_by(col(AuditEntry.id))
    ).all()
    about = [(id_, None) for id_ in ids]
    who = audit_log.staff_actor(reader)
    audit_log.record_act_per_customer(
        session, who, AuditAct.EXPOSURE_READ, now, about=about, purpose=case.reference
    )
    return [
        _build_exposed_customer(id_, [row for row in rows if row.customer_id == id_]) for id_ in ids
    ]


def _build_exposed_customer(customer_id: UUID, rows: Sequence[AuditEntry]) -> ExposedCustomer:
    fields = {field for row in rows for field in FIELDS_SHOWN[row.action]}
    if any(row.purpose == _DIALLING_PURPOSE for row in rows):
        fields.add("phone")
    return ExposedCustomer(customer_id, rows[0].at, rows[-1].at, len(rows), tuple(sorted(fields)))
