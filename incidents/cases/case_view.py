"""A case as an investigator reads it: what it rests on, whom it names, what has been done."""

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
from incidents.reports import submission
from incidents.reports.models import Report
from people.models import Staff
from people.staff import staff_records
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import keyring
from vault.models import AuditEntry

PAGE_SIZE = 50
#: Steps that took two people: their words end with the ids of who approved.
APPROVED_EVENT_KINDS = ("suspended", "lifted", "warning")


@dataclass(frozen=True)
class EvidenceItem:
    """One thing that a case rests on. ``told`` is the report in plain, ``entry`` the audit entry,
    where it is one of these; ``also`` is what is shown with it
    (:mod:`incidents.cases.evidence_summary`)."""

    id: UUID
    kind: str
    ref: str
    at: datetime
    customer_id: UUID | None
    facts: Mapping[str, Any]
    from_case_id: UUID | None
    told: submission.ReportView | None
    entry: AuditEntry | None
    also: tuple[EvidenceItem, ...] = ()

    @property
    def entries(self) -> list[AuditEntry]:
        """The audit entries that are shown in one, earliest first."""
        found = [item.entry for item in (self, *self.also) if item.entry is not None]
        return sorted(found, key=lambda each: each.at)

    @property
    def ids(self) -> list[UUID]:
        """All pieces of evidence that are shown in one."""
        return [item.id for item in (self, *self.also)]


@dataclass(frozen=True)
class CaseEventView:
    """What was done, by whom (none for the system), and what they wrote; ``approved_by`` are those
    who approved what takes two people."""

    at: datetime
    staff_id: UUID | None
    kind: str
    words: str
    approved_by: tuple[UUID, ...] = ()


def load_evidence_page(
    session: Session, case: Case, reader: UUID, now: datetime, page: int = 1
) -> tuple[list[EvidenceItem], int]:
    """A page of what the case rests on, the earliest first, and how much there is in all. Each
    report and each customer among it is written down as read."""
    of_case = (col(CaseEvidence.case_id) == case.id, evidence_visible_to(reader))
    count = session.exec(select(func.count()).select_from(CaseEvidence).where(*of_case)).one()
    found = session.exec(
        select(CaseEvidence)
        .where(*of_case)
        .order_by(col(CaseEvidence.at), col(CaseEvidence.id))
        .offset((page - 1) * PAGE_SIZE)
        .limit(PAGE_SIZE)
    ).all()
    _record_case_access(session, case, found, reader, now)
    told, entries = _load_evidence_reports(session, found), _load_evidence_entries(session, found)
    return [_build_evidence_item(item, told, entries) for item in found], count


def _record_case_access(
    session: Session, case: Case, found: Sequence[CaseEvidence], reader: UUID, now: datetime
) -> None:
    who = audit_log.staff_actor(reader)
    audit_log.record_act(
        session, who, AuditAct.CASE_READ, now, purpose=case.reference, detail=case.kind
    )
    about = [(item.customer_id, None) for item in found if item.kind == "report"]
    audit_log.record_act_per_customer(
        session, who, AuditAct.REPORT_READ, now, about=about, purpose=case.reference
    )


def _load_evidence_reports(
    session: Session, found: Sequence[CaseEvidence]
) -> dict[str, submission.ReportView]:
    ids = [
        UUID(item.ref) for item in found if item.kind == "report" and _is_canonical_uuid(item.ref)
    ]
    rows = session.exec(select(Report).where(col(Report.id).in_(ids)))
    return {str(row.id): submission.build_report_view(session, row) for row in rows}


def _is_canonical_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _load_evidence_entries(
    session: Session, found: Sequence[CaseEvidence]
) -> dict[str, AuditEntry]:
    ids = [int(item.ref) for item in found if item.kind == "audit" and item.ref.isdecimal()]
    rows = session.exec(select(AuditEntry).where(col(AuditEntry.id).in_(ids)))
    return {str(row.id): row for row in rows}


def _build_evidence_item(
    row: CaseEvidence, told: dict[str, submission.ReportView], entries: dict[str, AuditEntry]
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
    """All that was done, the latest first; for a reader, but for what tells of a case that names
    them, such as that it was split off from this one."""
    ring = keyring.current_keyring(session)
    hidden = list_hidden_references(session, reader) if reader else []
    rows = session.exec(
        select(CaseEvent)
        .where(col(CaseEvent.case_id) == case.id)
        .order_by(col(CaseEvent.id).desc())
    )
    told = [
        (row, ring.open_for_purpose(keyring.REPORTS, f"case_step.words:{row.id}", row.words))
        for row in rows
    ]
    return [
        _build_case_event_view(row, words)
        for row, words in told
        if not any(item in words.upper() for item in hidden)
    ]


def _build_case_event_view(row: CaseEvent, words: str) -> CaseEventView:
    if row.kind not in APPROVED_EVENT_KINDS:
        return CaseEventView(row.at, row.staff_id, row.kind, words)
    lines = words.splitlines()
    approved = tuple(UUID(line) for line in lines if _is_canonical_uuid(line))
    plain = "\n".join(line for line in lines if not _is_canonical_uuid(line))
    return CaseEventView(row.at, row.staff_id, row.kind, plain, approved)


def list_subject_ids(session: Session, case: Case) -> list[UUID]:
    """The members of staff whom it names."""
    found = select(CaseSubject.staff_id).where(col(CaseSubject.case_id) == case.id)
    return sorted(session.exec(found))


def list_staff_names(session: Session, ids: Sequence[UUID | None]) -> dict[UUID, str]:
    """Members of staff by name."""
    wanted = {id_ for id_ in ids if id_ is not None}
    found = session.exec(select(Staff).where(col(Staff.id).in_(wanted)))
    return {item.id: staff_records.open_staff_name(session, item.id, item.name) for item in found}
