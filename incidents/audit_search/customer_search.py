"""Who read this customer: asked within a case, or of an exact number with a written reason."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from incidents.cases.customer_access import in_evidence
from incidents.cases.models import AuditReading, Case
from incidents.cases.visibility import held, not_named
from incidents.cases.workflow import because
from people.customers import customer_records, lookup_log
from people.errors import InvalidInput, NotFound
from storage.column_types import new_id
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import keyring

LASTS = timedelta(hours=1)
UNKNOWN = "We know no customer with this number."


def of_number(session: Session, who: UUID, phone: str, reason: str, now: datetime) -> UUID:
    """Begin to read about the customer with exactly this number (E.164); gives the reading's id.
    The look-up is counted and written down, also one that finds nobody. Raises ``InvalidInput`` or
    ``BudgetSpent``."""
    plain = because(reason, "reason")
    found = customer_records.find_by_phone(session, phone)
    who_it_is = found.id if found else None
    lookup_log.note_customer(session, audit_log.staff(who), who_it_is, phone, "oversight", now)
    if found is None:
        raise InvalidInput("phone", UNKNOWN)
    return _begin(session, who, found.id, None, plain, now)


def in_case(session: Session, who: UUID, reference: str, customer_id: UUID, now: datetime) -> UUID:
    """Begin to read about a customer of a case that the reader holds. Raises ``NotFound``,
    ``NotAllowed``."""
    case = held(session, reference, who)
    customer = in_evidence(session, case, who, customer_id)
    return _begin(session, who, customer.id, case, "", now)


def _begin(
    session: Session, who: UUID, customer_id: UUID, case: Case | None, reason: str, now: datetime
) -> UUID:
    row = new_id()
    place = f"audit_reading.reason:{row}"
    session.add(
        AuditReading(
            id=row,
            at=now,
            staff_id=who,
            customer_id=customer_id,
            case_id=case.id if case else None,
            reason=keyring.of(session).seal_for(keyring.REPORTS, place, reason),
        )
    )
    session.flush()
    audit_log.record(
        session,
        audit_log.staff(who),
        AuditAct.AUDIT_BEGIN,
        now,
        customer_id=customer_id,
        purpose=case.reference if case else "oversight",
        detail=str(row),
    )
    return row


def going_on(
    session: Session, who: UUID, reading_id: UUID, now: datetime
) -> tuple[AuditReading, Case | None]:
    """A reading that this person began within the hour, and its case. Raises ``NotFound``; for a
    case that has come to name them too."""
    row = session.get(AuditReading, reading_id)
    if row is None or row.staff_id != who or now >= row.at + LASTS:
        raise NotFound("Say anew whom you want to read about, and why.")
    if row.case_id is None:
        return row, None
    case = session.exec(select(Case).where(col(Case.id) == row.case_id, not_named(who))).first()
    if case is None:
        raise NotFound("There is no such case.")
    return row, case


def reason_of(session: Session, row: AuditReading) -> str:
    """What the reader wrote; empty within a case."""
    place = f"audit_reading.reason:{row.id}"
    return keyring.of(session).open_for(keyring.REPORTS, place, row.reason)
