"""Runs of a customer warning: started and stopped by a case, one at a time."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select, update

from incidents.cases.creation import add_case_event
from incidents.cases.models import Case, WarnedCustomer, WarningRun
from incidents.error_codes import IncidentErrorCode
from incidents.response import exposure
from messaging.models import MessageState, OutboxMessage
from scheduling.errors import WrongState
from vault.audit import audit_log
from vault.audit.acts import AuditAct

RUNNING, STOPPED, DONE = "running", "stopped", "done"


def require_no_running_warning(session: Session, case: Case) -> None:
    """Raise ``WrongState`` while a warning of this case is running."""
    run = find_latest_warning_run(session, case)
    if run is not None and run.state == RUNNING:
        raise WrongState(IncidentErrorCode.WARNING_GOING_ON)


def find_latest_warning_run(session: Session, case: Case) -> WarningRun | None:
    """Return the latest warning run of a case."""
    return session.exec(
        select(WarningRun)
        .where(col(WarningRun.case_id) == case.id)
        .order_by(col(WarningRun.id).desc())
        .limit(1)
    ).first()


def start_warning_run(
    session: Session, case: Case, staff_id: UUID, since: datetime, until: datetime, now: datetime
) -> WarningRun:
    """Start a warning run for all customers exposed by this staff member's access in that period.
    The worker executes it."""
    require_no_running_warning(session, case)
    run = WarningRun(
        case_id=case.id,
        staff_id=staff_id,
        since=since,
        until=until,
        state=RUNNING,
        begun_at=now,
        total=exposure.count_exposed_customers(session, staff_id, since, until),
    )
    session.add(run)
    session.flush()
    return run


def stop_warning_run(session: Session, case: Case, who: UUID, words: str, now: datetime) -> None:
    """Stop the running warning and withdraw its queued texts. Raises ``WrongState``."""
    run = session.exec(
        select(WarningRun)
        .where(col(WarningRun.case_id) == case.id, col(WarningRun.state) == RUNNING)
        .with_for_update()
    ).first()
    if run is None:
        raise WrongState(IncidentErrorCode.NO_WARNING_GOING_ON)
    run.state = STOPPED
    session.add(run)
    mine = select(WarnedCustomer.message_id).where(col(WarnedCustomer.case_id) == case.id)
    queued = [
        col(OutboxMessage.id).in_(mine),
        col(OutboxMessage.state) == MessageState.QUEUED,
        col(OutboxMessage.error).is_distinct_from("unknown"),
    ]
    session.exec(
        update(OutboxMessage)
        .where(*queued)
        .values(state=MessageState.EXPIRED, settled_at=now, expires_at=now)
    )
    add_case_event(session, case, AuditAct.CASE_STOPPED, words, audit_log.staff_actor(who), now)
