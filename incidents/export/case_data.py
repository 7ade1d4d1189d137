"""Collects the data of an exported case: facts, evidence, events, and the audit entries behind
them, each with its proof. Personal data is included only where it was chosen, field by field."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from incidents.cases import case_view
from incidents.cases.case_view import EvidenceItem
from incidents.cases.creation import add_case_event
from incidents.cases.models import Case
from incidents.cases.visibility import get_held_case
from incidents.cases.workflow import clean_case_reason
from incidents.error_codes import IncidentErrorCode
from incidents.export.case_serialisation import (
    OPTIONAL_FIELDS,
    serialise_case,
    serialise_case_events,
    serialise_evidence_item,
    serialise_ranking,
)
from incidents.export.exported_entries import (
    load_exported_entries,
    prove_exported_entries,
)
from incidents.leak_tracing.ranking import Ranking
from incidents.reports import report_fields
from incidents.reports.models import Report
from people.customers import customer_records
from people.errors import InvalidInput
from people.models import Customer, Staff
from vault.audit import audit_log, checkpoints
from vault.audit.acts import AuditAct
from vault.models import AuditEntry

MAX_EVIDENCE = 2000


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
    entries = load_exported_entries(session, case, who, items)
    entry_proofs = prove_exported_entries(session, entries, origin, now)
    involved = _involved_staff_ids(session, case, who, entries, ranking)
    data = {
        "case": serialise_case(case, now),
        "evidence": [serialise_evidence_item(item, chosen, numbers) for item in items],
        "steps": serialise_case_events(session, case, who, chosen),
        "named": [str(id_) for id_ in case_view.list_subject_ids(session, case)],
        "ranking": serialise_ranking(ranking),
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
