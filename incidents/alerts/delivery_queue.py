"""Queue of alerts and their deliveries: created once for new cases, leased by one worker at a time,
and settled by the worker that holds the lease."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from incidents.alerts.models import AlertDelivery, CaseAlert
from incidents.cases import visibility
from incidents.cases.models import Case
from messaging.dispatch.delivery_outcomes import retry_delay
from storage import advisory_lock
from storage.column_types import new_id
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.destinations import Destination

#: Cases opened within this time of an alert go into the next one together.
BATCH_INTERVAL = timedelta(minutes=5)
LEASE = timedelta(minutes=2)
RETRY_LIMIT = timedelta(days=2)
BATCH_SIZE = 200
_LOCK_NAME = b"case alerts"


@dataclass(frozen=True)
class LeasedAlert:
    """A leased delivery at its ``turn``-th attempt."""

    alert_id: UUID
    place: str
    turn: int
    at: datetime
    cases: list[list[str]]


def queue_new_case_alert(session: Session, places: Sequence[Destination], now: datetime) -> None:
    """Create one alert of all cases that have had none, unless the last alert was created
    recently."""
    advisory_lock.acquire_lock(session, _LOCK_NAME)
    latest = session.exec(select(CaseAlert).order_by(col(CaseAlert.at).desc()).limit(1)).first()
    if latest is not None and now - latest.at < BATCH_INTERVAL:
        return
    cases = session.exec(
        select(Case)
        .where(col(Case.alerted_at).is_(None))
        .order_by(col(Case.opened_at))
        .limit(BATCH_SIZE)
        .with_for_update()
    ).all()
    if not cases:
        return
    named = visibility.find_cases_naming_investigators(session, [case.id for case in cases])
    alerted = [["", ""] if case.id in named else [case.reference, case.kind] for case in cases]
    alert = CaseAlert(id=new_id(), at=now, cases=json.dumps(alerted))
    session.add(alert)
    session.flush()
    for place in places:
        session.add(AlertDelivery(alert_id=alert.id, place=place.name, due_at=now))
    for case in cases:
        case.alerted_at = now
        session.add(case)
        audit_log.record_act(
            session, audit_log.SYSTEM, AuditAct.CASE_ALERT, now, purpose=case.reference
        )
    session.flush()


def lease_alert_delivery(
    session: Session, places: Sequence[str], now: datetime
) -> LeasedAlert | None:
    """Lease a delivery that is due to the caller, or return ``None``."""
    row = session.exec(
        select(AlertDelivery)
        .where(
            col(AlertDelivery.settled_at).is_(None),
            col(AlertDelivery.due_at) <= now,
            col(AlertDelivery.place).in_(places),
        )
        .order_by(col(AlertDelivery.due_at))
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()
    if row is None:
        return None
    alert = session.get_one(CaseAlert, row.alert_id)
    if now - alert.at > RETRY_LIMIT:
        row.settled_at, row.error = now, row.error or "given up"
        session.add(row)
        return None
    row.tries, row.due_at = row.tries + 1, now + LEASE
    session.add(row)
    session.flush()
    return LeasedAlert(alert.id, row.place, row.tries, alert.at, json.loads(alert.cases))


def record_delivery_attempt(
    session: Session, taken: LeasedAlert, failed: str, now: datetime
) -> None:
    """Record the result of an attempt; a failed one is retried later."""
    row = session.get(AlertDelivery, (taken.alert_id, taken.place), with_for_update=True)
    if row is None or row.tries != taken.turn or row.settled_at is not None:
        return
    row.error = failed[:200]
    if failed:
        row.due_at = now + retry_delay(taken.alert_id, row.tries)
    else:
        row.settled_at = now
    session.add(row)


def describe_failed_alerts(session: Session, places: Sequence[Destination]) -> list[str]:
    """Return the problems with alerts as sentences, for ``doctor``."""
    rows = session.exec(
        select(AlertDelivery).where(
            col(AlertDelivery.place).in_([place.name for place in places]),
            col(AlertDelivery.error) != "",
        )
    )
    return sorted({f"Alerts of new cases do not reach {row.place}: {row.error}." for row in rows})
