"""Follow-up questions about a report, asked by text: each can be answered, skipped or ignored.

Answers are recognised by their content, not by their order: one is a number, the other is words for
what the caller knew.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from incidents.reports import submission
from incidents.reports.models import Report
from incidents.reports.report_fields import ReportSubmission, unseal_report_field
from vault.keys import keyring

NUMBER, KNEW = "number", "knew"
ANSWER_WINDOW = timedelta(hours=2)


def ask_followup_questions(session: Session, report: Report, now: datetime) -> str:
    """Open the questions that the report does not answer yet; return the first one, or ``""``."""
    asked = []
    if not report.number_hidden and not unseal_report_field(session, report, "shown_number"):
        asked.append(NUMBER)
    if not unseal_report_field(session, report, "knew"):
        asked.append(KNEW)
    report.asking = " ".join(asked)
    report.asking_until = now + ANSWER_WINDOW
    session.add(report)
    session.flush()
    return next_question(report)


def next_question(report: Report) -> str:
    """Return the next open question, or ``""``."""
    return report.asking.partition(" ")[0]


def asked_at(report: Report) -> datetime:
    """Return when the questions were asked. Raises ``ValueError`` for a report without open
    questions."""
    if report.asking_until is None:
        raise ValueError("nothing is asked about this report")
    return report.asking_until - ANSWER_WINDOW


def find_questioned_report(session: Session, phone: str, now: datetime) -> Report | None:
    """Return the report whose questions this number may still answer, locked."""
    return session.exec(
        select(Report)
        .where(
            col(Report.phone_index).in_(
                keyring.current_keyring(session).compute_search_forms("phone", phone)
            ),
            col(Report.asking) != "",
            col(Report.asking_until) > now,
        )
        .order_by(col(Report.id).desc())
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()


def record_followup_answer(
    session: Session, report: Report, told: ReportSubmission, now: datetime
) -> None:
    """Merge an answer into the report and close the questions that it answers. Raises
    ``InvalidInput``."""
    submission.add_to_report(session, report, told, now)
    if told.shown_number or told.number_hidden:
        _close_question(session, report, NUMBER)
    if told.knew:
        _close_question(session, report, KNEW)


def skip_question(session: Session, report: Report) -> None:
    """Close the next question without an answer."""
    _close_question(session, report, next_question(report))


def _close_question(session: Session, report: Report, question: str) -> None:
    report.asking = " ".join(part for part in report.asking.split() if part != question)
    session.add(report)
    session.flush()
