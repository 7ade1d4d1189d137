"""What the watch finds, as a case: numbers, and the accesses that they count. No verdict."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session

from incidents.access.justification import with_nothing_behind
from incidents.anomaly_detection.detector import Finding
from incidents.cases.creation import Evidence, access_fold, budget_fold, raise_case, standing
from incidents.cases.models import Kind

_FURTHEST, _MOST = timedelta(days=60), 100


def tell(session: Session, staff_id: UUID, found: Sequence[Finding], now: datetime) -> None:
    """Raise the case of this person, or add to it, or to that of their budget of the same day."""
    numbers = [_numbers(staff_id, each, now) for each in found]
    since = max(min(each.since for each in found), now - _FURTHEST)
    bare = with_nothing_behind(session, staff_id, since, now, now)[-_MOST:]
    accesses = [
        Evidence(
            "audit",
            str(each.entry_id),
            each.at,
            each.customer_id,
            {"action": each.action, "purpose": each.purpose},
        )
        for each in bare
    ]
    fold = standing(session, now, access_fold(staff_id), budget_fold(staff_id, now))
    raise_case(session, Kind.ACCESS, fold, numbers + accesses, now, subjects=[staff_id])


def _numbers(staff_id: UUID, each: Finding, now: datetime) -> Evidence:
    return Evidence(
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
