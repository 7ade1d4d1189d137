"""A customer objects to an access to their record: this files a report, and opens a case that names
the staff member."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from incidents.access_history import visible_entries
from incidents.access_history.models import ObjectedEntry, Objection
from incidents.cases.creation import NewEvidence, open_or_extend_case
from incidents.cases.models import Case, CaseEvidence, CaseKind, CaseState
from incidents.error_codes import IncidentErrorCode
from incidents.reports import report_fields, submission
from incidents.reports.models import Report
from people.customers import customer_records
from people.errors import NotFound
from people.models import Customer
from scheduling.calendars import local_time
from vault.audit import audit_log
from vault.models import AuditEntry

MAX_EVIDENCE = 50


@dataclass(frozen=True)
class ObjectionStatus:
    """An objection as its customer sees it. ``closed`` says that the investigation is finished."""

    objection_id: UUID
    reference: str
    at: datetime
    closed: bool


def find_objections(session: Session, entries: Sequence[int]) -> dict[int, ObjectionStatus]:
    """Return the objections to these audit entries, by entry."""
    rows = session.exec(
        select(ObjectedEntry.entry_id, Objection, Report.reference).where(
            col(ObjectedEntry.entry_id).in_(entries),
            col(ObjectedEntry.objection_id) == col(Objection.id),
            col(Objection.report_id) == col(Report.id),
        )
    ).all()
    going_on = (
        _reports_under_review(session, {str(objection.report_id) for _, objection, _ in rows})
        if rows
        else set()
    )
    return {
        entry: ObjectionStatus(
            objection.id, reference, objection.at, str(objection.report_id) not in going_on
        )
        for entry, objection, reference in rows
    }


def _reports_under_review(session: Session, report_ids: set[str]) -> set[str]:
    """Return the reports that are evidence of an unclosed case."""
    refs = session.exec(
        select(CaseEvidence.ref).where(
            col(CaseEvidence.kind) == "report",
            col(CaseEvidence.ref).in_(report_ids),
            col(CaseEvidence.case_id) == col(Case.id),
            col(Case.state) != CaseState.CLOSED,
        )
    )
    return set(refs)


def file_objection(session: Session, customer: Customer, entry_id: int, now: datetime) -> None:
    """File an objection to what the same person did that day for the same call, up to this audit
    entry.

    A repeated objection counts once. Raises ``NotFound`` for an entry that the customer cannot see.
    """
    session.exec(select(Customer.id).where(col(Customer.id) == customer.id).with_for_update()).one()
    entry = visible_entries.find_visible_entry(session, customer.id, entry_id)
    if entry is None:
        raise NotFound(IncidentErrorCode.OPENING_NOT_FOUND)
    if find_objections(session, [entry_id]):
        return
    entries = _unobjected_group_entries(session, entry, ZoneInfo(customer.timezone), now)
    report = _submit_objection_report(session, customer, entry, now)
    objection = Objection(
        customer_id=customer.id, staff_id=entry.staff_id, report_id=report.id, at=now
    )
    session.add(objection)
    session.flush()
    session.add_all(
        ObjectedEntry(entry_id=objected.id or 0, objection_id=objection.id) for objected in entries
    )
    _open_objection_case(session, report, entries, now)


def _unobjected_group_entries(
    session: Session, entry: AuditEntry, zone: ZoneInfo, now: datetime
) -> list[AuditEntry]:
    """Return the entries that the customer saw as one group and has not objected to yet, newest
    first."""
    since, until = local_time.local_day_bounds(entry.at.astimezone(zone).date(), zone)
    rows = visible_entries.list_related_entries(session, entry, since, until)
    bare = visible_entries.find_unjustified_entries(session, rows, now)
    done = find_objections(session, [row.id or 0 for row in rows])
    odd = entry.id in bare
    return [row for row in rows if row.id not in done and (row.id in bare) == odd]


def _submit_objection_report(
    session: Session, customer: Customer, entry: AuditEntry, now: datetime
) -> Report:
    submitted = report_fields.ReportSubmission(
        phone=customer_records.open_customer_details(session, customer).phone,
        channel="web",
        proven=True,
        kind=report_fields.OBJECTION,
        callback_id=entry.callback_id,
    )
    return submission.submit_report(session, submitted, now)


def _open_objection_case(
    session: Session, report: Report, entries: Sequence[AuditEntry], now: datetime
) -> None:
    """Open a case, or add to the unclosed one: all objections to one person are one case."""
    staff_id = entries[0].staff_id
    report_evidence = NewEvidence(
        "report",
        str(report.id),
        now,
        report.customer_id,
        {"kind": report_fields.OBJECTION, "entries": len(entries)},
    )
    entry_evidence = [
        NewEvidence(
            "audit",
            str(entry.id),
            entry.at,
            entry.customer_id,
            {"action": entry.action, "purpose": entry.purpose},
        )
        for entry in entries[:MAX_EVIDENCE]
    ]
    open_or_extend_case(
        session,
        CaseKind.OBJECTION,
        f"objection:{staff_id or 'operator'}",
        [report_evidence, *entry_evidence],
        now,
        subjects=[staff_id] if staff_id else [],
        actor=audit_log.CUSTOMER,
    )
