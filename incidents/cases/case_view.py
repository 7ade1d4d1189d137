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

from incidents.cases.models import Case, CaseEvidence, CaseStep, CaseSubject
from incidents.cases.visibility import evidence_for, hidden_references
from incidents.reports import submission
from incidents.reports.models import Report
from people.models import Staff
from people.staff import staff_records
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import keyring
from vault.models import AuditEntry

PAGE = 50
#: Steps that took two people: their words end with the ids of who approved.
APPROVED = ("suspended", "lifted", "warning")


@dataclass(frozen=True)
class Item:
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
    told: submission.Read | None
    entry: AuditEntry | None
    also: tuple[Item, ...] = ()

    @property
    def entries(self) -> list[AuditEntry]:
        """The audit entries that are shown in one, earliest first."""
        found = [each.entry for each in (self, *self.also) if each.entry is not None]
        return sorted(found, key=lambda each: each.at)

    @property
    def ids(self) -> list[UUID]:
        """All pieces of evidence that are shown in one."""
        return [each.id for each in (self, *self.also)]


@dataclass(frozen=True)
class Step:
    """What was done, by whom (none for the system), and what they wrote; ``approved_by`` are those
    who approved what takes two people."""

    at: datetime
    staff_id: UUID | None
    kind: str
    words: str
    approved_by: tuple[UUID, ...] = ()


def evidence(
    session: Session, case: Case, reader: UUID, now: datetime, page: int = 1
) -> tuple[list[Item], int]:
    """A page of what the case rests on, the earliest first, and how much there is in all. Each
    report and each customer among it is written down as read."""
    of_case = (col(CaseEvidence.case_id) == case.id, evidence_for(reader))
    count = session.exec(select(func.count()).select_from(CaseEvidence).where(*of_case)).one()
    found = session.exec(
        select(CaseEvidence)
        .where(*of_case)
        .order_by(col(CaseEvidence.at), col(CaseEvidence.id))
        .offset((page - 1) * PAGE)
        .limit(PAGE)
    ).all()
    _record(session, case, found, reader, now)
    told, entries = _told(session, found), _entries(session, found)
    return [_item(each, told, entries) for each in found], count


def _record(
    session: Session, case: Case, found: Sequence[CaseEvidence], reader: UUID, now: datetime
) -> None:
    who = audit_log.staff(reader)
    audit_log.record(
        session, who, AuditAct.CASE_READ, now, purpose=case.reference, detail=case.kind
    )
    about = [(each.customer_id, None) for each in found if each.kind == "report"]
    audit_log.record_many(
        session, who, AuditAct.REPORT_READ, now, about=about, purpose=case.reference
    )


def _told(session: Session, found: Sequence[CaseEvidence]) -> dict[str, submission.Read]:
    ids = [UUID(each.ref) for each in found if each.kind == "report" and _is_id(each.ref)]
    rows = session.exec(select(Report).where(col(Report.id).in_(ids)))
    return {str(row.id): submission.plain(session, row) for row in rows}


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _entries(session: Session, found: Sequence[CaseEvidence]) -> dict[str, AuditEntry]:
    ids = [int(each.ref) for each in found if each.kind == "audit" and each.ref.isdecimal()]
    rows = session.exec(select(AuditEntry).where(col(AuditEntry.id).in_(ids)))
    return {str(row.id): row for row in rows}


def _item(
    row: CaseEvidence, told: dict[str, submission.Read], entries: dict[str, AuditEntry]
) -> Item:
    return Item(
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


def steps(session: Session, case: Case, reader: UUID | None = None) -> list[Step]:
    """All that was done, the latest first; for a reader, but for what tells of a case that names
    them, such as that it was split off from this one."""
    ring = keyring.of(session)
    hidden = hidden_references(session, reader) if reader else []
    rows = session.exec(
        select(CaseStep).where(col(CaseStep.case_id) == case.id).order_by(col(CaseStep.id).desc())
    )
    told = [
        (row, ring.open_for(keyring.REPORTS, f"case_step.words:{row.id}", row.words))
        for row in rows
    ]
    return [
        _step(row, words)
        for row, words in told
        if not any(each in words.upper() for each in hidden)
    ]


def _step(row: CaseStep, words: str) -> Step:
    if row.kind not in APPROVED:
        return Step(row.at, row.staff_id, row.kind, words)
    lines = words.splitlines()
    approved = tuple(UUID(each) for each in lines if _is_id(each))
    plain = "\n".join(each for each in lines if not _is_id(each))
    return Step(row.at, row.staff_id, row.kind, plain, approved)


def subjects(session: Session, case: Case) -> list[UUID]:
    """The members of staff whom it names."""
    found = select(CaseSubject.staff_id).where(col(CaseSubject.case_id) == case.id)
    return sorted(session.exec(found))


def names(session: Session, ids: Sequence[UUID | None]) -> dict[UUID, str]:
    """Members of staff by name."""
    wanted = {each for each in ids if each is not None}
    found = session.exec(select(Staff).where(col(Staff.id).in_(wanted)))
    return {each.id: staff_records.name_of(session, each.id, each.name) for each in found}
