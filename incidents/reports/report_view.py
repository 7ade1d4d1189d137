"""A report as an investigator reads it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from incidents.reports.models import Report
from incidents.reports.report_fields import (
    split_choices,
    unseal_report_field,
)


@dataclass(frozen=True)
class ReportView:
    """A report as plain text, for an investigator."""

    reference: str
    kind: str
    at: datetime
    channel: str
    proven: bool
    known_customer: bool
    called_at: datetime | None
    shown_number: str
    said: str
    knew: tuple[str, ...]
    number_hidden: bool = False
    claimed_to_be: str = ""
    asked_for: tuple[str, ...] = ()
    gave: tuple[str, ...] = ()
    times: int = 1
    doubtful: bool = False


def build_report_view(session: Session, row: Report) -> ReportView:
    """Return a report as plain text. The caller must have recorded the access in the audit log."""
    return ReportView(
        reference=row.reference,
        kind=row.kind,
        at=row.at,
        channel=row.channel,
        proven=row.proven or row.proven_at is not None,
        known_customer=row.customer_id is not None,
        called_at=row.called_at,
        shown_number=unseal_report_field(session, row, "shown_number"),
        said=unseal_report_field(session, row, "said"),
        knew=split_choices(unseal_report_field(session, row, "knew")),
        number_hidden=row.number_hidden,
        claimed_to_be=unseal_report_field(session, row, "claimed_to_be"),
        asked_for=split_choices(unseal_report_field(session, row, "asked_for")),
        gave=split_choices(unseal_report_field(session, row, "gave")),
        times=row.times,
        doubtful=row.doubtful,
    )
