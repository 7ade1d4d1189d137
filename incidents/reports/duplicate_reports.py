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
    Told,
    listed,
    opened,
    sealed,
    ticked,
)

SAME_WITHIN = timedelta(hours=1)
#: Two who remember the time of the same call.
SAME_TIME = timedelta(hours=1)
#: Different reports of one number that count for something.
MOST_A_DAY = 10
_LISTS = {"knew": KNEW, "asked_for": ASKED_FOR, "gave": GAVE}
_TEXTS = ("shown_number", "said", "claimed_to_be")


def same(session: Session, told: Told, forms: Sequence[bytes], now: datetime) -> Report | None:
    """The report of the last hour that this one tells again, if there is one."""
    if told.kind != REPORT:
        return None
    rows = session.exec(
        select(Report)
        .where(
            col(Report.phone_index).in_(forms),
            col(Report.kind) == REPORT,
            col(Report.doubtful) == told.doubtful,
            col(Report.at) > now - SAME_WITHIN,
        )
        .order_by(col(Report.id).desc())
        .limit(10)
    ).all()
    alike = (each for each in rows if (each.proven or each.proven_at is not None) == told.proven)
    return next((each for each in alike if _agrees(session, each, told)), None)


def crowded(session: Session, told: Told, forms: Sequence[bytes], now: datetime) -> bool:
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
    return count >= MOST_A_DAY


def _agrees(session: Session, report: Report, told: Told) -> bool:
    """Whether what is told could be of the same call."""
    if not _same_time(told.called_at, report.called_at):
        return False
    if told.number_hidden and opened(session, report, "shown_number"):
        return False
    if told.shown_number and report.number_hidden:
        return False
    given = report_fields.words(told)
    return all(_fits(name, opened(session, report, name), given[name]) for name in _TEXTS)


def _same_time(one: datetime | None, other: datetime | None) -> bool:
    return one is None or other is None or abs(one - other) <= SAME_TIME


def _fits(name: str, before: str, given: str) -> bool:
    if not before or not given:
        return True
    if name == "shown_number":
        return re.sub(r"\D", "", before) == re.sub(r"\D", "", given)
    return before.casefold().split() == given.casefold().split()


def add(session: Session, report: Report, told: Told) -> bool:
    """Add what is told to a report, filling what is empty; whether that changed what it says."""
    changed = _add_words(session, report, report_fields.words(told))
    if report.called_at is None and told.called_at is not None:
        report.called_at, changed = told.called_at, True
    if told.number_hidden and not report.number_hidden:
        report.number_hidden = changed = True
    report.tell_outcome = report.tell_outcome or told.tell_me
    session.add(report)
    session.flush()
    return changed


def _add_words(session: Session, report: Report, given: dict[str, str]) -> bool:
    changed = False
    for name, value in given.items():
        before = opened(session, report, name)
        full = before or value
        if name in _LISTS:
            full = ticked([*listed(before), *listed(value)], _LISTS[name])
        if full != before:
            setattr(report, name, sealed(session, report.id, name, full))
            changed = True
    return changed
