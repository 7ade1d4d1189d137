"""Counts the reports of warned customers over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from incidents.cases.models import WarningRun
from incidents.cases.visibility import list_hidden_evidence_ids
from incidents.reports.models import Report
from incidents.response import exposure
from vault.models import AuditEntry


def count_reports_by_bin(
    session: Session,
    run: WarningRun,
    reader: UUID,
    since: datetime,
    until: datetime,
    bin_of: Callable[[datetime], int],
) -> Counter[int]:
    """Count the reports of the customers exposed by the person's access, by bin of a chart. Only
    reports that the reader may see are counted."""
    exposed = select(AuditEntry.customer_id).where(
        *exposure.build_exposure_conditions(run.staff_id, run.since, run.until)
    )
    times = session.exec(
        select(Report.at)
        .where(
            col(Report.at) >= since, col(Report.at) < until, col(Report.customer_id).in_(exposed)
        )
        .where(col(Report.id).not_in(list_hidden_evidence_ids(session, "report", reader)))
    )
    return Counter(bin_of(at) for at in times)
