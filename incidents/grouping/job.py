"""The worker's job that groups each new report once with the reports it belongs to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from incidents.cases.creation import NewEvidence, open_or_extend_case
from incidents.cases.models import Case, CaseKind, CaseState, GroupedReport
from incidents.grouping.similarity import (
    COMPARISON_WINDOW,
    GROUPING_THRESHOLD,
    ReportFeatures,
    build_report_features,
    score_similarity,
)
from incidents.reports import report_fields
from incidents.reports.models import Report
from storage import advisory_lock

#: Reports wait this long, since their reporter may still add to them.
SETTLING_TIME = timedelta(minutes=15)
BATCH_SIZE = 50
#: Number of latest reports that a new one is compared with.
MAX_COMPARED = 2000
_NEAREST = 3
_LOCK_NAME = b"report groups"


class GroupingJob:
    """A job of the worker. It caches the features of compared reports, so that each report is
    decrypted once."""

    def __init__(self) -> None:
        self._known: dict[UUID, ReportFeatures] = {}

    @property
    def __name__(self) -> str:
        return "grouping"

    def __call__(self, session: Session, now: datetime) -> None:
        """Group the next batch of ungrouped reports."""
        placed = select(GroupedReport.report_id)
        fresh = session.exec(
            select(Report)
            .where(
                col(Report.kind) == report_fields.REPORT,
                col(Report.doubtful).is_(False),
                col(Report.at) > now - COMPARISON_WINDOW,
                col(Report.at) <= now - SETTLING_TIME,
                col(Report.id).not_in(placed),
            )
            .order_by(col(Report.id))
            .limit(BATCH_SIZE)
        ).all()
        if not fresh:
            return
        advisory_lock.acquire_lock(session, _LOCK_NAME)
        for report in fresh:
            if session.get(GroupedReport, report.id) is None:
                self._assign_report_to_case(session, report, now)

    def _assign_report_to_case(self, session: Session, report: Report, now: datetime) -> None:
        mine = self._get_cached_features(session, report)
        scores: dict[UUID | None, list[tuple[float, Report]]] = defaultdict(list)
        for other, case_id in _list_comparable_reports(session, report, now):
            scores[case_id].append(
                (score_similarity(mine, self._get_cached_features(session, other)), other)
            )
        case = self._nearest_case(session, scores)
        alone = max(scores[None], key=lambda each: each[0], default=None)
        if case is not None:
            _add_reports_to_case(session, case, [report], now)
        elif alone is not None and alone[0] >= GROUPING_THRESHOLD:
            _add_reports_to_case(session, None, [alone[1], report], now)
        else:
            session.add(GroupedReport(report_id=report.id, case_id=None, at=now))
            session.flush()

    @staticmethod
    def _nearest_case(
        session: Session, scores: dict[UUID | None, list[tuple[float, Report]]]
    ) -> Case | None:
        """Return the case whose three nearest reports are similar enough on average, or ``None``.

        An average prevents a chain of similar pairs from joining reports that have nothing in
        common.
        """
        means = {
            case_id: _mean_similarity(
                sorted((score for score, _ in scored), reverse=True)[:_NEAREST]
            )
            for case_id, scored in scores.items()
            if case_id is not None
        }
        best = max(means, key=lambda each: means[each], default=None)
        if best is None or means[best] < GROUPING_THRESHOLD:
            return None
        return session.get(Case, best, with_for_update=True)

    def _get_cached_features(self, session: Session, report: Report) -> ReportFeatures:
        if report.id not in self._known:
            if len(self._known) > 2 * MAX_COMPARED:
                self._known.clear()
            self._known[report.id] = _extract_report_features(session, report)
        return self._known[report.id]


def _mean_similarity(scores: Sequence[float]) -> float:
    return sum(scores) / len(scores)


def _list_comparable_reports(
    session: Session, report: Report, now: datetime
) -> list[tuple[Report, UUID | None]]:
    """Return grouped reports, each with its unclosed case, or ``None`` for a report on its own."""
    rows = session.exec(
        select(Report, GroupedReport.case_id, Case.state)
        .join(GroupedReport, col(GroupedReport.report_id) == col(Report.id))
        .join(Case, col(Case.id) == col(GroupedReport.case_id), isouter=True)
        .where(col(Report.at) > now - 2 * COMPARISON_WINDOW, col(Report.id) != report.id)
        .order_by(col(Report.id).desc())
        .limit(MAX_COMPARED)
    ).all()
    return [(other, case_id) for other, case_id, state in rows if state != CaseState.CLOSED]


def _extract_report_features(session: Session, report: Report) -> ReportFeatures:
    def decrypt_report_column(column: str) -> str:
        return report_fields.unseal_report_field(session, report, column)

    return build_report_features(
        report.called_at or report.at,
        shown_number=decrypt_report_column("shown_number"),
        hidden=report.number_hidden,
        said=decrypt_report_column("said"),
        knew=report_fields.split_choices(decrypt_report_column("knew")),
        asked_for=report_fields.split_choices(decrypt_report_column("asked_for")),
        claimed_to_be=decrypt_report_column("claimed_to_be"),
    )


def _add_reports_to_case(
    session: Session, case: Case | None, found: Sequence[Report], now: datetime
) -> None:
    """Add reports to a case, or to a new one."""
    fold = case.fold if case is not None and case.fold else f"calls:{found[0].id}"
    evidence = [
        NewEvidence("report", str(report.id), report.called_at or report.at, report.customer_id)
        for report in found
    ]
    target = open_or_extend_case(session, CaseKind.CALLS, fold, evidence, now)
    for report in found:
        session.merge(GroupedReport(report_id=report.id, case_id=target.id, at=now))
    session.flush()
