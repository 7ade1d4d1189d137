"""Opens cases for anomalies: the numbers, and the accesses that they count. No verdict."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session

from incidents.access.justification import list_unjustified_accesses
from incidents.anomaly_detection.detector import Finding
from incidents.cases.creation import (
    NewEvidence,
    access_dedup_key,
    budget_dedup_key,
    choose_dedup_key,
    open_or_extend_case,
)
from incidents.cases.models import CaseKind

_MAX_LOOKBACK, _MAX_ACCESSES = timedelta(days=60), 100


def open_access_case(
    session: Session, staff_id: UUID, found: Sequence[Finding], now: datetime
) -> None:
    """Open this person's access case, or add to it or to their budget case of the same day."""
    numbers = [_finding_evidence(staff_id, finding, now) for finding in found]
    since = max(min(finding.since for finding in found), now - _MAX_LOOKBACK)
    bare = list_unjustified_accesses(session, staff_id, since, now, now)[-_MAX_ACCESSES:]
    accesses = [
        NewEvidence(
            "audit",
            str(access.entry_id),
            access.at,
            access.customer_id,
            {"action": access.action, "purpose": access.purpose},
        )
        for access in bare
    ]
    fold = choose_dedup_key(
        session, now, access_dedup_key(staff_id), budget_dedup_key(staff_id, now)
    )
    open_or_extend_case(
        session, CaseKind.ACCESS, fold, numbers + accesses, now, subjects=[staff_id]
    )


def _finding_evidence(staff_id: UUID, each: Finding, now: datetime) -> NewEvidence:
    return NewEvidence(
        "access",
        f"{staff_id.hex[-8:]}:{each.signal}:{each.window}:{now:%Y%m%d%H%M}"[:64],
        now,
        facts={
            "what": each.signal.value,
            "window": each.window.value,
            "seen": round(each.seen),
            "expected": round(each.expected, 1),
            "expected_of_peers": round(each.peers, 1),
            "since": each.since.isoformat(),
            "chance": float(f"{each.chance:.1e}"),
        },
    )
