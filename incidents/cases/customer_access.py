"""Opens a customer's record within a case: one at a time, with a written reason, and only a
customer that the case's evidence is about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from incidents.cases.creation import add_case_event
from incidents.cases.models import Case, CaseEvidence
from incidents.cases.visibility import evidence_visible_to, get_held_case
from incidents.cases.workflow import clean_case_reason
from incidents.error_codes import IncidentErrorCode
from people.customers import access_budgets, customer_records
from people.customers.customer_records import CustomerDetails
from people.errors import NotFound
from people.models import Customer
from vault.audit import audit_log
from vault.audit.acts import AuditAct


@dataclass(frozen=True)
class OpenedCustomer:
    """A customer's details as plain text, within a case. ``erased`` says that nothing is left of
    them."""

    case: Case
    person: CustomerDetails
    erased: bool


def open_case_customer(
    session: Session, reference: str, who: UUID, customer_id: UUID, reason: str, now: datetime
) -> OpenedCustomer:
    """Return the customer's record, after storing the reason and counting and recording the access.

    Raises ``NotFound`` (no such case, or it is not about them), ``NotAllowed``, ``InvalidInput`` or
    ``BudgetExceeded``.
    """
    access_budgets.lock_staff_budget(session, who)
    case = get_held_case(session, reference, who)
    plain = clean_case_reason(reason, "reason")
    customer = require_customer_in_evidence(session, case, who, customer_id)
    access_budgets.count_customer_access(session, who, customer.id, now)
    add_case_event(session, case, AuditAct.CASE_CUSTOMER, plain, audit_log.staff_actor(who), now)
    audit_log.record_act(
        session,
        audit_log.staff_actor(who),
        AuditAct.CUSTOMER_READ,
        now,
        customer_id=customer.id,
        purpose=case.reference,
    )
    return OpenedCustomer(
        case,
        customer_records.open_customer_details(session, customer),
        customer.erased_at is not None,
    )


def require_customer_in_evidence(
    session: Session, case: Case, who: UUID, customer_id: UUID
) -> Customer:
    """Return a customer that evidence visible to the reader is about. Raises ``NotFound``."""
    customer = session.exec(
        select(Customer)
        .join(CaseEvidence, col(CaseEvidence.customer_id) == col(Customer.id))
        .where(
            col(CaseEvidence.case_id) == case.id,
            col(Customer.id) == customer_id,
            evidence_visible_to(who),
        )
        .limit(1)
    ).first()
    if customer is None:
        raise NotFound(IncidentErrorCode.CASE_CUSTOMER_NOT_FOUND)
    return customer
