"""Logs customer look-ups. A look-up without a match reveals something too, so each look-up is
counted against a budget and audited before it is answered. The query is never stored in plain
text."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from people.customers import access_budgets
from vault.audit import audit_log
from vault.audit.acts import AuditAct

FOUND, NOT_FOUND = "found", "not found"


def log_customer_lookup(
    session: Session,
    actor: audit_log.Actor,
    found: UUID | None,
    asked: str,
    purpose: str,
    now: datetime,
) -> None:
    """Count and audit a look-up of ``asked`` (a number, reference or ticket in canonical form),
    which ``found`` a customer or none. The command line has no budget. Raises ``BudgetExceeded``,
    which reveals neither."""
    if actor.staff_id is not None:
        access_budgets.count_customer_lookup(session, actor.staff_id, found, asked, now)
    audit_log.record_act(
        session,
        actor,
        AuditAct.CUSTOMER_LOOK_UP,
        now,
        customer_id=found,
        purpose=purpose,
        detail=FOUND if found else NOT_FOUND,
    )


def log_staff_lookup(
    session: Session,
    actor: audit_log.Actor,
    *,
    found: bool,
    asked: str,
    purpose: str,
    now: datetime,
) -> None:
    """Count and audit a look-up of a member of staff by the address ``asked``.

    For a supervisor who adds colleagues, "is known already" is the answer that reveals something,
    so that is what counts as a miss. Raises ``BudgetExceeded``.
    """
    if actor.staff_id is not None and found:
        access_budgets.count_customer_lookup(session, actor.staff_id, None, asked, now)
    detail = FOUND if found else NOT_FOUND
    audit_log.record_act(
        session, actor, AuditAct.STAFF_LOOK_UP, now, purpose=purpose, detail=detail
    )


def log_unknown_request(
    session: Session, staff_id: UUID, asked: str, purpose: str, now: datetime
) -> None:
    """Count and audit a request for something that does not exist for this person, by the id or
    reference in ``asked``; ``purpose`` names the page. The entry holds a keyed fingerprint, so that
    repeats can be recognised. Raises ``BudgetExceeded``."""
    fingerprint = access_budgets.count_unknown_request(session, staff_id, asked, now)
    audit_log.record_act(
        session,
        audit_log.staff_actor(staff_id),
        AuditAct.PAGE_NOT_FOUND,
        now,
        purpose=purpose,
        detail=fingerprint,
    )
