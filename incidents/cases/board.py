"""The investigators' case board: open cases, the reader's own cases and closed cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func
from sqlalchemy import case as when
from sqlmodel import Session, col, select

from incidents.cases.models import Case, CaseEvidence, CaseState
from incidents.cases.visibility import case_visible_to, evidence_visible_to
from vault.audit import audit_log
from vault.audit.acts import AuditAct

OPEN, MINE, CLOSED = "open", "mine", "closed"
VIEWS = (OPEN, MINE, CLOSED)
PAGE_SIZE = 50


@dataclass(frozen=True)
class BoardRow:
    """A case on the board, with how many pieces of evidence it has and how many of them are
    reports."""

    reference: str
    kind: str
    state: str
    outcome: str | None
    opened_at: datetime
    changed_at: datetime
    taken_by: UUID | None
    reports: int
    evidence: int


@dataclass(frozen=True)
class Board:
    """A page of the board, the number of cases in each view, and the cursor of the next page."""

    rows: list[BoardRow]
    counts: dict[str, int]
    following: str | None


def load_case_board(
    session: Session, reader: UUID, view: str, now: datetime, before: str = ""
) -> Board:
    """Return a page of a view: cases to work on with the oldest first, closed cases with the newest
    first.

    ``before`` is the last reference of the previous page. The access is recorded in the audit log.
    """
    statement = select(Case).where(case_visible_to(reader), _board_view_condition(view, reader))
    order = col(Case.id).desc() if view == CLOSED else col(Case.id)
    last = _find_cursor_case_id(session, before, reader) if before else None
    if last is not None:
        statement = statement.where(col(Case.id) < last if view == CLOSED else col(Case.id) > last)
    cases = session.exec(statement.order_by(order).limit(PAGE_SIZE + 1)).all()
    counts = {view_name: _count_cases_in_view(session, reader, view_name) for view_name in VIEWS}
    audit_log.record_act(
        session, audit_log.staff_actor(reader), AuditAct.CASE_BOARD, now, detail=view
    )
    following = cases[PAGE_SIZE - 1].reference if len(cases) > PAGE_SIZE else None
    return Board(_build_board_rows(session, cases[:PAGE_SIZE], reader), counts, following)


def _board_view_condition(view: str, reader: UUID) -> ColumnElement[bool]:
    if view == MINE:
        return (col(Case.state) == CaseState.TAKEN) & (col(Case.taken_by) == reader)
    if view == CLOSED:
        return col(Case.state) == CaseState.CLOSED
    return col(Case.state) != CaseState.CLOSED


def _find_cursor_case_id(session: Session, reference: str, reader: UUID) -> UUID | None:
    statement = select(Case.id).where(col(Case.reference) == reference, case_visible_to(reader))
    return session.exec(statement).first()


def _count_cases_in_view(session: Session, reader: UUID, view: str) -> int:
    statement = (
        select(func.count())
        .select_from(Case)
        .where(case_visible_to(reader), _board_view_condition(view, reader))
    )
    return session.exec(statement).one()


def _build_board_rows(session: Session, cases: Sequence[Case], reader: UUID) -> list[BoardRow]:
    is_report = col(CaseEvidence.kind) == "report"
    counted = session.exec(
        select(
            CaseEvidence.case_id,
            func.count(),
            func.coalesce(func.sum(when((is_report, 1), else_=0)), 0),
        )
        .where(
            col(CaseEvidence.case_id).in_([case.id for case in cases]), evidence_visible_to(reader)
        )
        .group_by(col(CaseEvidence.case_id))
    ).all()
    counts = {case_id: (int(all_), int(reports)) for case_id, all_, reports in counted}
    return [_build_board_row(case, *counts.get(case.id, (0, 0))) for case in cases]


def _build_board_row(case: Case, evidence: int, reports: int) -> BoardRow:
    return BoardRow(
        case.reference,
        case.kind,
        case.state,
        case.outcome,
        case.opened_at,
        case.changed_at,
        case.taken_by,
        reports,
        evidence,
    )
