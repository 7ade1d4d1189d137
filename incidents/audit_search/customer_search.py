"""Searches who read a customer: within a case, or for an exact number with a written reason."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from incidents.audit_search.models import CustomerAuditAccess
from incidents.cases.customer_access import require_customer_in_evidence
from incidents.cases.models import Case
from incidents.cases.visibility import case_visible_to, get_held_case
from incidents.cases.workflow import clean_case_reason
from incidents.error_codes import IncidentErrorCode
from people.customers import customer_records, lookup_log
from people.errors import InvalidInput, NotFound
from storage.column_types import new_id
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import keyring

SEARCH_DURATION = timedelta(hours=1)


def start_search_by_number(
    session: Session, who: UUID, phone: str, reason: str, now: datetime
) -> UUID:
    """Start a search about the customer with exactly this number (E.164); return the search's id.

    The look-up is counted and recorded, even if it finds nobody. Raises ``InvalidInput`` or
    ``BudgetExceeded``.
    """
    plain = clean_case_reason(reason, "reason")
    customer = customer_records.find_by_phone(session, phone)
    who_it_is = customer.id if customer else None
    lookup_log.log_customer_lookup(
        session, audit_log.staff_actor(who), who_it_is, phone, "oversight", now
    )
    if customer is None:
        raise InvalidInput("phone", IncidentErrorCode.CUSTOMER_NUMBER_UNKNOWN)
    return _start_customer_search(session, who, customer.id, None, plain, now)


def start_search_in_case(
    session: Session, who: UUID, reference: str, customer_id: UUID, now: datetime
) -> UUID:
    """Start a search about a customer of a case that the reader holds. Raises ``NotFound`` or
    ``NotAllowed``."""
    case = get_held_case(session, reference, who)
    customer = require_customer_in_evidence(session, case, who, customer_id)
    return _start_customer_search(session, who, customer.id, case, "", now)


def _start_customer_search(
    session: Session, who: UUID, customer_id: UUID, case: Case | None, reason: str, now: datetime
) -> UUID:
    row = new_id()
    place = f"audit_reading.reason:{row}"
    session.add(
        CustomerAuditAccess(
            id=row,
            at=now,
            staff_id=who,
            customer_id=customer_id,
            case_id=case.id if case else None,
            reason=keyring.current_keyring(session).seal_for_purpose(
                keyring.REPORTS, place, reason
            ),
        )
    )
    session.flush()
    audit_log.record_act(
        session,
        audit_log.staff_actor(who),
        AuditAct.AUDIT_BEGIN,
        now,
        customer_id=customer_id,
        purpose=case.reference if case else "oversight",
        detail=str(row),
    )
    return row


def require_active_search(
    session: Session, who: UUID, reading_id: UUID, now: datetime
) -> tuple[CustomerAuditAccess, Case | None]:
    """Return a search that this person started within the hour, and its case.

    Raises ``NotFound``, also if the case has come to name them.
    """
    row = session.get(CustomerAuditAccess, reading_id)
    if row is None or row.staff_id != who or now >= row.at + SEARCH_DURATION:
        raise NotFound(IncidentErrorCode.SEARCH_NOT_STARTED)
    if row.case_id is None:
        return row, None
    case = session.exec(
        select(Case).where(col(Case.id) == row.case_id, case_visible_to(who))
    ).first()
    if case is None:
        raise NotFound(IncidentErrorCode.CASE_NOT_FOUND)
    return row, case


def unseal_search_reason(session: Session, row: CustomerAuditAccess) -> str:
    """Return the reader's written reason; empty within a case."""
    place = f"audit_reading.reason:{row.id}"
    return keyring.current_keyring(session).open_for_purpose(keyring.REPORTS, place, row.reason)
