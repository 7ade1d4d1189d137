"""Serialises a case for its export: its facts, evidence, events and ranking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from incidents.cases import case_view
from incidents.cases.case_view import EvidenceItem
from incidents.cases.models import Case
from incidents.leak_tracing.model_types import EVERYTHING, OUTSIDE
from incidents.leak_tracing.ranking import Ranking

MAX_RANKED = 20
#: Fields that can be left out: customers' names and numbers, what reporters said, numbers that
#: callers showed, colleagues' names, investigators' notes.
OPTIONAL_FIELDS = ("names", "numbers", "said", "shown", "staff", "notes")


def serialise_ranking(ranking: Ranking | None) -> list[dict[str, Any]]:
    """Return the first rows of a leak ranking; an empty list without one."""
    rows = ranking.rows if ranking else []
    shown = [row for row in rows if row.seen or row.source in (OUTSIDE, EVERYTHING)]
    return [
        {
            "source": row.source,
            "posterior": row.posterior,
            "seen": row.seen,
            "expected": round(row.expected, 3),
        }
        for row in shown[:MAX_RANKED]
    ]


def serialise_case(case: Case, now: datetime) -> dict[str, Any]:
    """Return the facts of a case."""
    at = {"opened_at": case.opened_at, "closed_at": case.closed_at, "exported_at": now}
    return {
        "reference": case.reference,
        "kind": case.kind,
        "state": case.state,
        "outcome": case.outcome,
        **{name: instant.isoformat() if instant else None for name, instant in at.items()},
    }


def serialise_evidence_item(
    item: EvidenceItem, chosen: Sequence[str], numbers: Mapping[str, str]
) -> dict[str, Any]:
    """Return one item of evidence, with the optional fields that were chosen."""
    data: dict[str, Any] = {
        "kind": item.kind,
        "at": item.at.isoformat(),
        "customer": str(item.customer_id) if item.customer_id else None,
        "facts": dict(item.facts),
    }
    if item.entry is not None:
        data["entry"] = item.entry.id
        data["done"] = {
            "action": item.entry.action,
            "purpose": item.entry.purpose,
            "actor": item.entry.actor,
            "by": str(item.entry.staff_id) if item.entry.staff_id else None,
        }
    if item.told is not None:
        report = item.told
        data["report"] = {
            "reference": report.reference,
            "kind": report.kind,
            "channel": report.channel,
            "proven": report.proven,
            "called_at": report.called_at.isoformat() if report.called_at else None,
            "knew": list(report.knew),
            "asked_for": list(report.asked_for),
            "gave": list(report.gave),
            **({"said": report.said, "claimed": report.claimed_to_be} if "said" in chosen else {}),
            **({"phone": numbers[report.reference]} if report.reference in numbers else {}),
            **({"shown_number": report.shown_number} if "shown" in chosen else {}),
        }
    return data


def serialise_case_events(
    session: Session, case: Case, who: UUID, chosen: Sequence[str]
) -> list[dict[str, Any]]:
    """Return the events of a case that the reader may see, the first one first."""
    steps = reversed(case_view.list_case_events(session, case, who))
    return [
        {
            "at": step.at.isoformat(),
            "by": str(step.staff_id) if step.staff_id else None,
            "kind": step.kind,
            **({"approved_by": list(map(str, step.approved_by))} if step.approved_by else {}),
            **({"words": step.words} if "notes" in chosen else {}),
        }
        for step in steps
    ]
