"""A member of staff wanted to open more customers than they may: a case, at once."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from incidents.cases.creation import Evidence, access_fold, budget_fold, raise_case, standing
from incidents.cases.models import Case, Kind
from people.errors import BudgetSpent
from vault.audit import audit_log
from vault.audit.acts import AuditAct


def file(session: Session, stop: BudgetSpent, now: datetime) -> Case:
    """Write the stop down and raise its case, one for a person and day, or add it to that of the
    watch of the same day; each hour of the day is one piece of evidence, however often they try."""
    hours = int(stop.within.total_seconds() // 3600)
    audit_log.record(
        session,
        audit_log.staff(stop.staff_id),
        AuditAct.BUDGET_STOP,
        now,
        detail=f"{stop.kind} {stop.seen} of {stop.allowed} in {hours} h",
    )
    evidence = Evidence(
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
    folds = budget_fold(stop.staff_id, now), access_fold(stop.staff_id)
    fold = standing(session, now, *folds)
    return raise_case(session, Kind.BUDGET, fold, [evidence], now, subjects=[stop.staff_id])
