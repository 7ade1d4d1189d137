"""Duplicate reports are merged into the existing report instead of creating another one.

Junk is damped and never dropped: a form sent fifty times makes one report with a count of fifty.
What a stranger types is never merged into a report that came from the number itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, select

from incidents.reports import report_fields
from incidents.reports.models import Report
from incidents.reports.report_fields import (
    ASKED_FOR,
    GAVE,
    KNEW,
    REPORT,
    ReportSubmission,
    join_choices,
    seal_report_field,
    split_choices,
    unseal_report_field,
)

DUPLICATE_WINDOW = timedelta(hours=1)
#: How far two accounts of the same call may differ in its time.
CALL_TIME_TOLERANCE = timedelta(hours=1)
#: Unproven reports of one number a day that keep their normal weight.
MAX_UNPROVEN_A_DAY = 10
_LIST_FIELDS = {"knew": KNEW, "asked_for": ASKED_FOR, "gave": GAVE}
_TEXT_FIELDS = ("shown_number", "said", "claimed_to_be")


def find_duplicate(
    session: Session, told: ReportSubmission, forms: Sequence[bytes], now: datetime
) -> Report | None:
    """Return the report of the last hour that this submission duplicates, or ``None``."""
    if told.kind != REPORT:
        return None
    rows = session.exec(
        select(Report)
        .where(
            col(Report.phone_index).in_(forms),
            col(Report.kind) == REPORT,
            col(Report.doubtful) == told.doubtful,
            col(Report.at) > now - DUPLICATE_WINDOW,
        )
        .order_by(col(Report.id).desc())
        .limit(10)
    ).all()
    candidates = (row for row in rows if (row.proven or row.proven_at is not None) == told.proven)
    return next(
        (candidate for candidate in candidates if _may_be_same_call(session, candidate, told)), None
    )


def is_flooding(
    session: Session, told: ReportSubmission, forms: Sequence[bytes], now: datetime
) -> bool:
    """Return whether a number has had so many unproven reports within a day that one more gets
    almost no weight.

    The report is still stored, and nobody is refused: a stranger must not be able to use up the
    reports of the number's owner.
    """
    if told.kind != REPORT or told.proven:
        return False
    count = session.exec(
        select(func.count())
        .select_from(Report)
        .where(
            col(Report.phone_index).in_(forms),
            col(Report.kind) == REPORT,
            col(Report.proven).is_(False),
            col(Report.at) > now - timedelta(days=1),
        )
    ).one()
    return count >= MAX_UNPROVEN_A_DAY


def _may_be_same_call(session: Session, report: Report, told: ReportSubmission) -> bool:
    """Return whether the submission could be about the same call as the report."""
    if not _call_times_agree(told.called_at, report.called_at):
        return False
    if told.number_hidden and unseal_report_field(session, report, "shown_number"):
        return False
    if told.shown_number and report.number_hidden:
        return False
    submitted = report_fields.collect_text_fields(told)
    return all(
        _texts_agree(name, unseal_report_field(session, report, name), submitted[name])
        for name in _TEXT_FIELDS
    )


def _call_times_agree(one: datetime | None, other: datetime | None) -> bool:
    return one is None or other is None or abs(one - other) <= CALL_TIME_TOLERANCE


def _texts_agree(name: str, before: str, given: str) -> bool:
    if not before or not given:
        return True
    if name == "shown_number":
        return re.sub(r"\D", "", before) == re.sub(r"\D", "", given)
    return before.casefold().split() == given.casefold().split()


def merge_into_report(session: Session, report: Report, told: ReportSubmission) -> bool:
    """Fill the report's empty fields from the submission; return whether that changed its
    content."""
    changed = _merge_text_fields(session, report, report_fields.collect_text_fields(told))
    if report.called_at is None and told.called_at is not None:
        report.called_at, changed = told.called_at, True
    if told.number_hidden and not report.number_hidden:
        report.number_hidden = changed = True
    report.tell_outcome = report.tell_outcome or told.tell_me
    session.add(report)
    session.flush()
    return changed


def _merge_text_fields(session: Session, report: Report, given: dict[str, str]) -> bool:
    changed = False
    for name, value in given.items():
        before = unseal_report_field(session, report, name)
        full = before or value
        if name in _LIST_FIELDS:
            full = join_choices([*split_choices(before), *split_choices(value)], _LIST_FIELDS[name])
        if full != before:
            setattr(report, name, seal_report_field(session, report.id, name, full))
            changed = True
    return changed
