"""The latest reports, as far as an investigator may see them."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from incidents.cases import visibility
from incidents.reports.models import Report
from incidents.reports.submission import ReportView, build_report_view
from vault.audit import audit_log
from vault.audit.acts import AuditAct


def list_latest_reports(
    session: Session, investigator: audit_log.Actor, now: datetime, limit: int = 100
) -> list[ReportView]:
    """The latest reports, newest first, each reading written down. Without names and numbers of
    those who reported: an investigator sees a customer within a case only; without reports that
    are evidence of a case that names the reader."""
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
