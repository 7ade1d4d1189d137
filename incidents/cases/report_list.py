"""List of the latest reports that an investigator may see."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from incidents.cases import visibility
from incidents.reports.models import Report
from incidents.reports.report_view import ReportView, build_report_view
from vault.audit import audit_log
from vault.audit.acts import AuditAct


def list_latest_reports(
    session: Session, investigator: audit_log.Actor, now: datetime, limit: int = 100
) -> list[ReportView]:
    """Return the latest reports, newest first, and record each access in the audit log.

    Names and numbers of reporters are left out: an investigator sees a customer only within a case.
    Reports that are evidence of a case naming the reader are left out too.
    """
    hidden = visibility.list_hidden_evidence_ids(session, "report", investigator.staff_id)
    rows = session.exec(
        select(Report)
        .where(col(Report.id).not_in(hidden))
        .order_by(col(Report.at).desc(), col(Report.id).desc())
        .limit(limit)
    ).all()
    readings = [(row.customer_id, None) for row in rows if row.customer_id]
    audit_log.record_act_per_customer(
        session, investigator, AuditAct.REPORT_READ, now, about=readings, purpose="triage"
    )
    return [build_report_view(session, row) for row in rows]
