"""The worker's job that puts each report with those it belongs to, once, as it comes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from incidents.cases.creation import Evidence, raise_case
from incidents.cases.models import Case, CaseEvidence, GroupedReport, Kind, State
from incidents.grouping.similarity import TOGETHER, WINDOW, Features, features, likeness
from incidents.reports import report_fields
from incidents.reports.models import Report
from storage import advisory_lock

#: A report may still be added to by whoever made it.
SETTLES = timedelta(minutes=15)
AT_A_TIME = 50
#: The latest reports that a new one is held against.
COMPARED = 2000
_NEAREST = 3
_TURN = b"report groups"


class Grouping:
    """A job of the worker. It remembers what it has compared, so that it opens each report once."""

    def __init__(self) -> None:
        self._known: dict[UUID, Features] = {}

    @property
    def __name__(self) -> str:
        return "grouping"

    def __call__(self, session: Session, now: datetime) -> None:
        """Place the next few reports that have no place yet."""
        placed = select(GroupedReport.report_id)
        fresh = session.exec(
            select(Report)
            .where(
                col(Report.kind) == report_fields.REPORT,
                col(Report.doubtful).is_(False),
                col(Report.at) > now - WINDOW,
                col(Report.at) <= now - SETTLES,
                col(Report.id).not_in(placed),
            )
            .order_by(col(Report.id))
            .limit(AT_A_TIME)
        ).all()
        if not fresh:
            return
        advisory_lock.take(session, _TURN)
        for report in fresh:
            if session.get(GroupedReport, report.id) is None:
                self._place(session, report, now)

    def _place(self, session: Session, report: Report, now: datetime) -> None:
        mine = self._features(session, report)
        scores: dict[UUID | None, list[tuple[float, Report]]] = defaultdict(list)
        for other, case_id in _others(session, report, now):
            scores[case_id].append((likeness(mine, self._features(session, other)), other))
        case = self._nearest_case(session, scores)
        alone = max(scores[None], key=lambda each: each[0], default=None)
        if case is not None:
            _into(session, case, [report], now)
        elif alone is not None and alone[0] >= TOGETHER:
            _into(session, None, [alone[1], report], now)
        else:
            session.add(GroupedReport(report_id=report.id, case_id=None, at=now))
            session.flush()

    @staticmethod
    def _nearest_case(
        session: Session, scores: dict[UUID | None, list[tuple[float, Report]]]
    ) -> Case | None:
        """The case whose nearest three reports are alike enough on average: a chain of likenesses
        alone shall not join what has nothing in common."""
        means = {
            case_id: _mean(sorted((score for score, _ in found), reverse=True)[:_NEAREST])
            for case_id, found in scores.items()
            if case_id is not None
        }
        best = max(means, key=lambda each: means[each], default=None)
        if best is None or means[best] < TOGETHER:
            return None
        return session.get(Case, best, with_for_update=True)

    def _features(self, session: Session, report: Report) -> Features:
        if report.id not in self._known:
            if len(self._known) > 2 * COMPARED:
                self._known.clear()
            self._known[report.id] = _features(session, report)
        return self._known[report.id]


def _mean(scores: Sequence[float]) -> float:
    return sum(scores) / len(scores)


def _others(session: Session, report: Report, now: datetime) -> list[tuple[Report, UUID | None]]:
    """Reports with a place, each with its case that is not closed, or none for one by itself."""
    rows = session.exec(
        select(Report, GroupedReport.case_id, Case.state)
        .join(GroupedReport, col(GroupedReport.report_id) == col(Report.id))
        .join(Case, col(Case.id) == col(GroupedReport.case_id), isouter=True)
        .where(col(Report.at) > now - 2 * WINDOW, col(Report.id) != report.id)
        .order_by(col(Report.id).desc())
        .limit(COMPARED)
    ).all()
    return [(other, case_id) for other, case_id, state in rows if state != State.CLOSED]


def _features(session: Session, report: Report) -> Features:
    def plain(column: str) -> str:
        return report_fields.opened(session, report, column)

    return features(
        report.called_at or report.at,
        shown_number=plain("shown_number"),
        hidden=report.number_hidden,
        said=plain("said"),
        knew=report_fields.listed(plain("knew")),
        asked_for=report_fields.listed(plain("asked_for")),
        claimed_to_be=plain("claimed_to_be"),
    )


def _into(session: Session, case: Case | None, found: Sequence[Report], now: datetime) -> None:
    """Put reports into a case, or into a new one."""
    fold = case.fold if case is not None and case.fold else f"calls:{found[0].id}"
    evidence = [
        Evidence("report", str(each.id), each.called_at or each.at, each.customer_id)
        for each in found
    ]
    made = raise_case(session, Kind.CALLS, fold, evidence, now)
    for each in found:
        session.merge(GroupedReport(report_id=each.id, case_id=made.id, at=now))
    session.flush()


def placed(session: Session, rows: Sequence[CaseEvidence], case_id: UUID, now: datetime) -> None:
    """Note that these reports were moved to a case by hand."""
    for row in rows:
        if row.kind == "report":
            session.merge(GroupedReport(report_id=UUID(row.ref), case_id=case_id, at=now))
    session.flush()
