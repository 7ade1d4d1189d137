"""Collects the data of an exported case: facts, evidence, events, and the audit entries behind
them, each with its proof. Personal data is included only where it was chosen, field by field."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_
from sqlmodel import Session, col, select

from incidents.audit_search import entry_search
from incidents.cases import case_view
from incidents.cases.case_view import EvidenceItem
from incidents.cases.creation import add_case_event
from incidents.cases.models import Case
from incidents.cases.visibility import audit_entry_visible_to, get_held_case
from incidents.cases.workflow import clean_case_reason
from incidents.error_codes import IncidentErrorCode
from incidents.leak_tracing.model_types import EVERYTHING, OUTSIDE
from incidents.leak_tracing.ranking import Ranking
from incidents.reports import report_fields
from incidents.reports.models import Report
from people.customers import customer_records
from people.errors import InvalidInput
from people.models import Customer, Staff
from vault.audit import audit_log, checkpoints, proofs, sequencer
from vault.audit.acts import AuditAct
from vault.models import AuditEntry

#: Fields that can be left out: customers' names and numbers, what reporters said, numbers that
#: callers showed, colleagues' names, investigators' notes.
OPTIONAL_FIELDS = ("names", "numbers", "said", "shown", "staff", "notes")
MAX_EVIDENCE, MAX_ENTRIES, MAX_RANKED = 2000, 5000, 20


@dataclass(frozen=True)
class ExportedCase:
    """The exported data, and the signed checkpoint that its proofs lead to."""

    case: Case
    data: dict[str, Any]
    proofs: list[dict[str, Any]]
    checkpoint: str


def collect_for_export(
    session: Session,
    reference: str,
    who: UUID,
    fields: Collection[str],
    reason: str,
    origin: str,
    now: datetime,
    ranking: Ranking | None = None,
) -> ExportedCase:
    """Collect the data, with the leak ranking if one is given, after storing the reason and
    recording each access.

    Raises ``NotFound``, ``NotAllowed`` or ``InvalidInput``.
    """
    case = get_held_case(session, reference, who)
    chosen = [item for item in OPTIONAL_FIELDS if item in fields]
    plain = clean_case_reason(reason, "exporting")
    add_case_event(
        session,
        case,
        AuditAct.CASE_EXPORTED,
        f"{plain}\n({', '.join(chosen)})",
        audit_log.staff_actor(who),
        now,
    )
    items = _load_all_evidence(session, case, who, now)
    people = _collect_customer_details(session, case, who, items, chosen, now)
    numbers = _load_reported_phones(session, items) if "numbers" in chosen else {}
    entries = _load_exported_entries(session, case, who, items)
    entry_proofs = _prove_exported_entries(session, entries, origin, now)
    involved = _involved_staff_ids(session, case, who, entries, ranking)
    data = {
        "case": _serialise_case(case, now),
        "evidence": [_serialise_evidence_item(item, chosen, numbers) for item in items],
        "steps": _serialise_case_events(session, case, who, chosen),
        "named": [str(id_) for id_ in case_view.list_subject_ids(session, case)],
        "ranking": _serialise_ranking(ranking),
        "colleagues": _involved_staff_names(session, involved) if "staff" in chosen else {},
        "roles": _involved_staff_roles(session, involved),
        "customers": people,
        "fields": chosen,
    }
    newest = checkpoints.find_latest_checkpoint(session)
    return ExportedCase(case, data, entry_proofs, newest.note if newest else "")


def _load_all_evidence(
    session: Session, case: Case, who: UUID, now: datetime
) -> list[EvidenceItem]:
    items: list[EvidenceItem] = []
    page = 1
    while True:
        page_items, count = case_view.load_evidence_page(session, case, who, now, page)
        if count > MAX_EVIDENCE:
            raise InvalidInput(
                "exporting", IncidentErrorCode.CASE_TOO_MUCH_EVIDENCE, limit=MAX_EVIDENCE
            )
        items += page_items
        if len(items) >= count or not page_items:
            return items
        page += 1


def _collect_customer_details(
    session: Session,
    case: Case,
    who: UUID,
    items: Sequence[EvidenceItem],
    chosen: Sequence[str],
    now: datetime,
) -> dict[str, dict[str, str]]:
    ids = {item.customer_id for item in items if item.customer_id}
    if not ids or not {"names", "numbers"}.intersection(chosen):
        return {}
    about = [(id_, None) for id_ in sorted(ids)]
    actor = audit_log.staff_actor(who)
    audit_log.record_act_per_customer(
        session, actor, AuditAct.CUSTOMER_READ, now, about=about, purpose=case.reference
    )
    rows = session.exec(select(Customer).where(col(Customer.id).in_(ids)))
    details = {}
    for row in rows:
        person = customer_records.open_customer_details(session, row)
        plain = {"names": ("name", person.name), "numbers": ("phone", person.phone)}
        details[str(row.id)] = dict(plain[item] for item in ("names", "numbers") if item in chosen)
    return details


def _load_reported_phones(session: Session, items: Sequence[EvidenceItem]) -> dict[str, str]:
    """Return the number that each report was about, by reference: the customer's number may have
    changed."""
    wanted = {item.told.reference for item in items if item.told}
    rows = session.exec(select(Report).where(col(Report.reference).in_(wanted)))
    return {row.reference: report_fields.unseal_report_field(session, row, "phone") for row in rows}


def _serialise_ranking(ranking: Ranking | None) -> list[dict[str, Any]]:
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


def _load_exported_entries(
    session: Session, case: Case, who: UUID, items: Sequence[EvidenceItem]
) -> list[AuditEntry]:
    """Return all entries made under the case's reference and all entries that are evidence, except
    those that the exporter may not see."""
    cited = [item.entry.id for item in items if item.entry]
    rows = session.exec(
        select(AuditEntry)
        .where(
            or_(
                and_(*entry_search.match_purpose(session, case.reference)),
                col(AuditEntry.id).in_(cited),
            )
        )
        .where(audit_entry_visible_to(session, who))
        .order_by(col(AuditEntry.id))
        .limit(MAX_ENTRIES + 1)
    ).all()
    if len(rows) > MAX_ENTRIES:
        raise InvalidInput("exporting", IncidentErrorCode.CASE_TOO_MANY_ENTRIES, limit=MAX_ENTRIES)
    return list(rows)


def _prove_exported_entries(
    session: Session, entries: Sequence[AuditEntry], origin: str, now: datetime
) -> list[dict[str, Any]]:
    """Build a proof of each entry, under a new checkpoint that includes the latest entries."""
    session.flush()
    while sequencer.sequence_entries(session, now) == sequencer.BATCH_SIZE:
        pass
    checkpoints.create_checkpoint(session, origin, now)
    entry_proofs = [proofs.build_entry_proof(session, entry.id or 0) for entry in entries]
    if None in entry_proofs:
        raise InvalidInput("exporting", IncidentErrorCode.ENTRY_NOT_IN_LOG_YET)
    return [item for item in entry_proofs if item is not None]


def _serialise_case(case: Case, now: datetime) -> dict[str, Any]:
    at = {"opened_at": case.opened_at, "closed_at": case.closed_at, "exported_at": now}
    return {
        "reference": case.reference,
        "kind": case.kind,
        "state": case.state,
        "outcome": case.outcome,
        **{name: instant.isoformat() if instant else None for name, instant in at.items()},
    }


def _serialise_evidence_item(
    item: EvidenceItem, chosen: Sequence[str], numbers: Mapping[str, str]
) -> dict[str, Any]:
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


def _serialise_case_events(
    session: Session, case: Case, who: UUID, chosen: Sequence[str]
) -> list[dict[str, Any]]:
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


def _involved_staff_names(session: Session, ids: Sequence[UUID]) -> dict[str, str]:
    return {
        str(staff_id): name for staff_id, name in case_view.list_staff_names(session, ids).items()
    }


def _involved_staff_roles(session: Session, ids: Collection[UUID]) -> dict[str, str]:
    """Return current roles, which describe colleagues if their names are left out."""
    roles = session.exec(select(Staff.id, Staff.role).where(col(Staff.id).in_(ids)))
    return {str(staff_id): role for staff_id, role in roles}


def _involved_staff_ids(
    session: Session,
    case: Case,
    who: UUID,
    entries: Sequence[AuditEntry],
    ranking: Ranking | None,
) -> list[UUID]:
    ids = [*case_view.list_subject_ids(session, case), *(entry.staff_id for entry in entries)]
    for done in case_view.list_case_events(session, case, who):
        ids += [done.staff_id, *done.approved_by]
    ids += [UUID(row.source) for row in (ranking.people if ranking else ()) if row.seen]
    return sorted({id_ for id_ in ids if id_ is not None})
