"""Erasure of a named customer, which needs a second approver."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, func, select

from people.approvals import approval_requests, bootstrap
from people.approvals.request_types import ApprovalRequestView, RequestSubject, RequestType
from people.customers import customer_records
from people.errors import Conflict
from people.models import Customer, Role
from procedures.erasure import erase_customers
from procedures.error_codes import ProcedureErrorCode
from scheduling.models import Callback
from scheduling.states import LIVE_STATES, CallbackState
from vault.audit import audit_log

ERASURE_REASON = "asked for"


def request_erasure(
    session: Session, customer: Customer, why: str, by: UUID | None, now: datetime
) -> None:
    """Request the erasure of a customer. Raises ``NotAllowed``, ``InvalidInput`` or
    ``Conflict``."""
    _require_erasable(session, customer)
    approval_requests.submit_for_approval(
        session, ERASE_CUSTOMER, {}, why, by, now, about=RequestSubject(customer_id=customer.id)
    )


def erase_immediately(
    session: Session, customer: Customer, actor: audit_log.Actor, now: datetime
) -> None:
    """Erase a customer. Raises ``Conflict``."""
    _require_erasable(session, customer)
    erase_customers(session, [customer.id], actor, now, ERASURE_REASON)


def _require_erasable(session: Session, customer: Customer) -> None:
    if customer.erased_at is not None:
        raise Conflict(ProcedureErrorCode.CUSTOMER_ALREADY_ERASED)
    busy = select(Callback.id).where(
        col(Callback.customer_id) == customer.id,
        col(Callback.state).in_((CallbackState.BOOKED, *LIVE_STATES)),
    )
    if session.exec(busy.limit(1)).first() is not None:
        raise Conflict(ProcedureErrorCode.CUSTOMER_HAS_CALLBACK)


def _execute_erasure(session: Session, act: ApprovalRequestView, now: datetime) -> None:
    customer = session.exec(
        select(Customer)
        .where(col(Customer.id) == act.about.customer_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    erase_immediately(session, customer, act.actor, now)


def _erasure_facts(session: Session, act: ApprovalRequestView) -> Sequence[tuple[str, str]]:
    customer = session.get_one(Customer, act.about.customer_id)
    count = session.exec(select(func.count()).where(col(Callback.customer_id) == customer.id)).one()
    person = customer_records.open_customer_details(session, customer)
    return [("number", person.phone_masked if person.phone else "–"), ("calls", str(count))]


def _invalid_erasure_reason(session: Session, act: ApprovalRequestView) -> str:
    customer = session.get_one(Customer, act.about.customer_id)
    return "" if customer.erased_at is None else "erased"


ERASE_CUSTOMER = RequestType(
    "customers.erase",
    asks=frozenset({Role.INVESTIGATOR}),
    approves=bootstrap.APPROVERS,
    facts=_erasure_facts,
    run=_execute_erasure,
    by_operator=True,
    same=(),
    hopeless=_invalid_erasure_reason,
)
