"""Opens a case at once when a staff member exceeds their access budget."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from incidents.cases.creation import (
    NewEvidence,
    access_dedup_key,
    budget_dedup_key,
    choose_dedup_key,
    open_or_extend_case,
)
from incidents.cases.models import Case, CaseKind
from people.errors import BudgetExceeded
from vault.audit import audit_log
from vault.audit.acts import AuditAct


def open_budget_case(session: Session, stop: BudgetExceeded, now: datetime) -> Case:
    """Record the stop and open a case for this person and day, or add to an unclosed one.

    The case of the same day opened by anomaly detection is used if there is one. Each hour of the
    day is one piece of evidence, however often they try.
    """
    hours = int(stop.within.total_seconds() // 3600)
    audit_log.record_act(
        session,
        audit_log.staff_actor(stop.staff_id),
        AuditAct.BUDGET_STOP,
        now,
        detail=f"{stop.kind} {stop.seen} of {stop.allowed} in {hours} h",
    )
    evidence = NewEvidence(
        "budget",
        f"{stop.staff_id}:{now:%Y%m%d%H}:{stop.kind}"[:64],
        now,
        facts={
            "what": stop.kind,
            "seen": stop.seen,
            "allowed": stop.allowed,
            "hours": hours,
            "since": (now - stop.within).isoformat(),
        },
    )
    folds = budget_dedup_key(stop.staff_id, now), access_dedup_key(stop.staff_id)
    fold = choose_dedup_key(session, now, *folds)
    return open_or_extend_case(
        session, CaseKind.BUDGET, fold, [evidence], now, subjects=[stop.staff_id]
    )
