"""What happens after the customers were warned: their reports, day by day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime

from sqlmodel import Session, col, select

from incidents.acting import exposure
from incidents.cases.models import WarningRun
from incidents.models import Report
from vault.models import AuditEntry


def counted(
    session: Session,
    run: WarningRun,
    since: datetime,
    until: datetime,
    bin_of: Callable[[datetime], int],
) -> Counter[int]:
    """How many reports came from those whom the person's access exposed, by parts of a picture."""
    exposed = select(AuditEntry.customer_id).where(
        *exposure.where(run.staff_id, run.since, run.until)
    )
    times = session.exec(
        select(Report.at).where(
            col(Report.at) >= since, col(Report.at) < until, col(Report.customer_id).in_(exposed)
        )
    )
    return Counter(bin_of(at) for at in times)
