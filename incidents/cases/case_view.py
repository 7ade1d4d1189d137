"""A case as an investigator reads it: its evidence, the staff members it names and its events."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from incidents.cases.models import Case, CaseEvent, CaseEvidence, CaseSubject
from incidents.cases.visibility import evidence_visible_to, list_hidden_references
from incidents.reports import report_view
from incidents.reports.models import Report
from people.models import Staff
from people.staff import staff_records
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import keyring
from vault.models import AuditEntry

PAGE_SIZE = 50
#: Events that needed a second approver: their words end with the approvers' ids.
APPROVED_EVENT_KINDS = ("suspended", "lifted", "warning")


@dataclass(frozen=True)
class EvidenceItem:
    """A piece of evidence.

    ``told`` is the report as plain text and ``entry`` the audit entry, if the evidence is one of
    these. ``also`` is what is shown together with it (:mod:`incidents.cases.evidence_summary`).
    """

    id: UUID
    kind: str
    ref: str
    at: datetime
    customer_id: UUID | None
    facts: Mapping[str, Any]
    from_case_id: UUID | None
    told: report_view.ReportView | None
    entry: AuditEntry | None
    also: tuple[EvidenceItem, ...] = ()

    @property
    def entries(self) -> list[AuditEntry]:
        """Audit entries of this item and of those shown with it, earliest first."""
        entries = [evidence.entry for evidence in (self, *self.also) if evidence.entry is not None]
        return sorted(entries, key=lambda each: each.at)

    @property
    def ids(self) -> list[UUID]:
        """Ids of this item and of those shown with it."""
        return [evidence.id for evidence in (self, *self.also)]


@dataclass(frozen=True)
class CaseEventView:
    """An event of a case: what was done, who did it (``None`` for the system) and what they wrote.

    ``approved_by`` are the approvers of an action that needs a second approver.
    """

    at: datetime
    staff_id: UUID | None
    kind: str
    words: str
    approved_by: tuple[UUID, ...] = ()


def load_evidence_page(
    session: Session, case: Case, reader: UUID, now: datetime, page: int = 1
) -> tuple[list[EvidenceItem], int]:
    """Return a page of the case's evidence, earliest first, and the total number of pieces.

    Records in the audit log that each report and each customer on the page was read.
    """
    of_case = (col(CaseEvidence.case_id) == case.id, evidence_visible_to(reader))
    count = session.exec(select(func.count()).select_from(CaseEvidence).where(*of_case)).one()
    rows = session.exec(
        select(CaseEvidence)
        .where(*of_case)
        .order_by(col(CaseEvidence.at), col(CaseEvidence.id))
        .offset((page - 1) * PAGE_SIZE)
        .limit(PAGE_SIZE)
    ).all()
    _record_case_access(session, case, rows, reader, now)
    reports, entries = _load_evidence_reports(session, rows), _load_evidence_entries(session, rows)
    return [_build_evidence_item(row, reports, entries) for row in rows], count


def _record_case_access(
    session: Session, case: Case, found: Sequence[CaseEvidence], reader: UUID, now: datetime
) -> None:
    who = audit_log.staff_actor(reader)
    audit_log.record_act(
        session, who, AuditAct.CASE_READ, now, purpose=case.reference, detail=case.kind
    )
    about = [(row.customer_id, None) for row in found if row.kind == "report"]
    audit_log.record_act_per_customer(
        session, who, AuditAct.REPORT_READ, now, about=about, purpose=case.reference
    )


def _load_evidence_reports(
    session: Session, found: Sequence[CaseEvidence]
) -> dict[str, report_view.ReportView]:
    ids = [
        UUID(evidence.ref)
        for evidence in found
        if evidence.kind == "report" and _is_canonical_uuid(evidence.ref)
    ]
    rows = session.exec(select(Report).where(col(Report.id).in_(ids)))
    return {str(row.id): report_view.build_report_view(session, row) for row in rows}


def _is_canonical_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _load_evidence_entries(
    session: Session, found: Sequence[CaseEvidence]
) -> dict[str, AuditEntry]:
    ids = [
        int(evidence.ref)
        for evidence in found
        if evidence.kind == "audit" and evidence.ref.isdecimal()
    ]
    rows = session.exec(select(AuditEntry).where(col(AuditEntry.id).in_(ids)))
    return {str(row.id): row for row in rows}


def _build_evidence_item(
    row: CaseEvidence, told: dict[str, report_view.ReportView], entries: dict[str, AuditEntry]
) -> EvidenceItem:
    return EvidenceItem(
        row.id,
        row.kind,
        row.ref,
        row.at,
        row.customer_id,
        json.loads(row.facts),
        row.from_case_id,
        told.get(row.ref) if row.kind == "report" else None,
        entries.get(row.ref) if row.kind == "audit" else None,
    )


def list_case_events(
    session: Session, case: Case, reader: UUID | None = None
) -> list[CaseEventView]:
    """Return the case's events, latest first.

    With a ``reader``, events that reveal a case naming them are left out, such as a split from this
    one.
    """
    ring = keyring.current_keyring(session)
    hidden = list_hidden_references(session, reader) if reader else []
    rows = session.exec(
        select(CaseEvent)
        .where(col(CaseEvent.case_id) == case.id)
        .order_by(col(CaseEvent.id).desc())
    )
    opened = [
        (row, ring.open_for_purpose(keyring.REPORTS, f"case_step.words:{row.id}", row.words))
        for row in rows
    ]
    return [
        _build_case_event_view(row, words)
        for row, words in opened
        if not any(reference in words.upper() for reference in hidden)
    ]


def _build_case_event_view(row: CaseEvent, words: str) -> CaseEventView:
    if row.kind not in APPROVED_EVENT_KINDS:
        return CaseEventView(row.at, row.staff_id, row.kind, words)
    lines = words.splitlines()
    approved = tuple(UUID(line) for line in lines if _is_canonical_uuid(line))
    plain = "\n".join(line for line in lines if not _is_canonical_uuid(line))
    return CaseEventView(row.at, row.staff_id, row.kind, plain, approved)


def list_subject_ids(session: Session, case: Case) -> list[UUID]:
    """Return the staff members that the case names."""
    statement = select(CaseSubject.staff_id).where(col(CaseSubject.case_id) == case.id)
    return sorted(session.exec(statement))


def list_staff_names(session: Session, ids: Sequence[UUID | None]) -> dict[UUID, str]:
    """Return the names of staff members by id."""
    wanted = {id_ for id_ in ids if id_ is not None}
    members = session.exec(select(Staff).where(col(Staff.id).in_(wanted)))
    return {
        member.id: staff_records.open_staff_name(session, member.id, member.name)
        for member in members
    }
