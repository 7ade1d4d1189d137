"""The same told again: added to the report there is, instead of making another one.

Junk is damped and never dropped: a form sent fifty times makes one report that was told fifty
times. What a stranger types is never added to what came from the number itself.
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
#: Two who remember the time of the same call.
CALL_TIME_TOLERANCE = timedelta(hours=1)
#: Different reports of one number that count for something.
MAX_UNPROVEN_A_DAY = 10
_LIST_FIELDS = {"knew": KNEW, "asked_for": ASKED_FOR, "gave": GAVE}
_TEXT_FIELDS = ("shown_number", "said", "claimed_to_be")


def find_duplicate(
    session: Session, told: ReportSubmission, forms: Sequence[bytes], now: datetime
) -> Report | None:
    """The report of the last hour that this one tells again, if there is one."""
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
    alike = (row for row in rows if (row.proven or row.proven_at is not None) == told.proven)
    return next((item for item in alike if _may_be_same_call(session, item, told)), None)


def is_flooding(
    session: Session, told: ReportSubmission, forms: Sequence[bytes], now: datetime
) -> bool:
    """Whether a number has been reported so often within a day, by whoever has not shown to hold
    it, that one more counts for next to nothing. It is kept all the same, and nobody is refused:
    a stranger must not be able to use up somebody's voice."""
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
    """Whether what is told could be of the same call."""
    if not _call_times_agree(told.called_at, report.called_at):
        return False
    if told.number_hidden and unseal_report_field(session, report, "shown_number"):
        return False
    if told.shown_number and report.number_hidden:
        return False
    given = report_fields.collect_text_fields(told)
    return all(
        _texts_agree(name, unseal_report_field(session, report, name), given[name])
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
    """Add what is told to a report, filling what is empty; whether that changed what it says."""
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
