"""Reports of unexpected calls: taken from anybody, read by investigators."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from incidents.cases import visibility
from incidents.reports import duplicate_reports, report_fields, signals
from incidents.reports.models import REFERENCE_LENGTH, Report
from incidents.reports.report_fields import (
    ASKED_FOR,
    GAVE,
    KNEW,
    NUMBER_LIMIT,
    REFUSED,
    REPORT,
    SAID_LIMIT,
    Told,
    listed,
    opened,
)
from people.customers import customer_records
from storage import advisory_lock
from storage.column_types import new_id
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import keyring

__all__ = [
    "ASKED_FOR",
    "GAVE",
    "KNEW",
    "NUMBER_LIMIT",
    "REFUSED",
    "REPORT",
    "SAID_LIMIT",
    "Told",
]
#: A number that proves itself so long after a report makes that report a proven one.
PROVES_WITHIN = timedelta(hours=24)
_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def file(
    session: Session, told: Told, now: datetime, actor: audit_log.Actor = audit_log.CUSTOMER
) -> str:
    """Keep a report; gives its reference. Raises ``InvalidInput``."""
    return filed(session, told, now, actor).reference


def filed(
    session: Session, told: Told, now: datetime, actor: audit_log.Actor = audit_log.CUSTOMER
) -> Report:
    """Keep a report: a new one, or more of the one that the same number made within the hour.

    A report from the number itself also proves what was reported of that number in the last day.
    Raises ``InvalidInput``.
    """
    report_fields.require_sense(told, now)
    ring = keyring.of(session)
    advisory_lock.take(session, ring.unchanging("phone", told.phone))
    forms = ring.forms("phone", told.phone)
    if told.proven:
        prove(session, told.phone, now)
    report = duplicate_reports.same(session, told, forms, now)
    if report is None and duplicate_reports.crowded(session, told, forms, now):
        told = replace(told, doubtful=True)
        report = duplicate_reports.same(session, told, forms, now)
    if report is None:
        report, done = _new(session, told, forms[0], now), AuditAct.REPORT_FILE
        _tell_stream(session, report, now)
    else:
        done = AuditAct.REPORT_ADD
        report.times += 1
        if duplicate_reports.add(session, report, told):
            _tell_stream(session, report, now)
    _write_down(session, report, done, told.channel, now, actor)
    return report


def add(session: Session, report: Report, more: Told, now: datetime) -> None:
    """More of the same report, from whoever made it. Raises ``InvalidInput``."""
    report_fields.require_sense(more, now)
    if duplicate_reports.add(session, report, more):
        _tell_stream(session, report, now)
        _write_down(session, report, AuditAct.REPORT_ADD, more.channel, now, audit_log.CUSTOMER)


def find(session: Session, reference: str) -> Report | None:
    """The report of a reference, locked."""
    statement = select(Report).where(col(Report.reference) == reference)
    return session.exec(statement.with_for_update()).first()


def latest_of(session: Session, phone: str, channel: str, now: datetime) -> str:
    """The reference of what this number reported last over a channel within the hour; or empty."""
    found = session.exec(
        select(Report.reference)
        .where(
            col(Report.phone_index).in_(keyring.of(session).forms("phone", phone)),
            col(Report.channel) == channel,
            col(Report.at) > now - duplicate_reports.SAME_WITHIN,
        )
        .order_by(col(Report.id).desc())
        .limit(1)
    ).first()
    return found or ""


def _new(session: Session, told: Told, index: bytes, now: datetime) -> Report:
    row = new_id()
    customer = customer_records.find_by_phone(session, told.phone)
    kept: dict[str, Any] = {
        name: report_fields.sealed(session, row, name, value)
        for name, value in {"phone": told.phone, **report_fields.words(told)}.items()
    }
    report = Report(
        id=row,
        reference="R" + "".join(secrets.choice(_LETTERS) for _ in range(REFERENCE_LENGTH - 1)),
        kind=told.kind,
        callback_id=told.callback_id,
        at=now,
        channel=told.channel,
        proven=told.proven,
        phone_index=index,
        customer_id=customer.id if customer else None,
        called_at=told.called_at,
        number_hidden=told.number_hidden,
        tell_outcome=told.tell_me,
        doubtful=told.doubtful,
        **kept,
    )
    session.add(report)
    session.flush()
    return report


def _tell_stream(session: Session, report: Report, now: datetime) -> None:
    if report.kind == report_fields.OBJECTION:  # it tells of a reading, and of no call
        return
    sign = signals.Sign(
        report.kind,
        now,
        report.channel,
        proven=report.proven,
        customer_id=report.customer_id,
        phone_index=report.phone_index,
        report_id=report.id,
    )
    signals.put(session, sign)


def _write_down(
    session: Session,
    report: Report,
    done: AuditAct,
    channel: str,
    now: datetime,
    actor: audit_log.Actor,
) -> None:
    audit_log.record(
        session,
        actor,
        done,
        now,
        customer_id=report.customer_id,
        callback_id=report.callback_id,
        purpose="told by phone" if actor.staff_id else "",
        detail=f"{report.reference} {channel} {report.kind}",
    )


def prove(session: Session, phone: str, now: datetime) -> None:
    """The owner of a number has shown that they hold it: what was reported of it in the last day
    by somebody who had not is theirs. What a program seems to have filled in is not."""
    rows = session.exec(
        select(Report)
        .where(
            col(Report.phone_index).in_(keyring.of(session).forms("phone", phone)),
            col(Report.proven).is_(False),
            col(Report.proven_at).is_(None),
            col(Report.doubtful).is_(False),
            col(Report.at) > now - PROVES_WITHIN,
        )
        .order_by(col(Report.id))
        .with_for_update()
    ).all()
    for report in rows:
        report.proven_at = now
        session.add(report)
        _tell_stream(session, report, now)
        _write_down(session, report, AuditAct.REPORT_PROVE, report.channel, now, audit_log.CUSTOMER)


@dataclass(frozen=True)
class Read:
    """A report in plain, for an investigator."""

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


def latest(
    session: Session, investigator: audit_log.Actor, now: datetime, limit: int = 100
) -> list[Read]:
    """The latest reports, newest first, each reading written down. Without names and numbers of
    those who reported: an investigator sees a customer within a case only; without reports that
    are evidence of a case that names the reader."""
    hidden = visibility.hidden_ids(session, "report", investigator.staff_id)
    rows = session.exec(
        select(Report)
        .where(col(Report.id).not_in(hidden))
        .order_by(col(Report.at).desc(), col(Report.id).desc())
        .limit(limit)
    ).all()
    readings = [(row.customer_id, None) for row in rows if row.customer_id]
    audit_log.record_many(
        session, investigator, AuditAct.REPORT_READ, now, about=readings, purpose="triage"
    )
    return [plain(session, row) for row in rows]


def plain(session: Session, row: Report) -> Read:
    """A report in plain. The caller has written the audit entry of the reading."""
    return Read(
        reference=row.reference,
        kind=row.kind,
        at=row.at,
        channel=row.channel,
        proven=row.proven or row.proven_at is not None,
        known_customer=row.customer_id is not None,
        called_at=row.called_at,
        shown_number=opened(session, row, "shown_number"),
        said=opened(session, row, "said"),
        knew=listed(opened(session, row, "knew")),
        number_hidden=row.number_hidden,
        claimed_to_be=opened(session, row, "claimed_to_be"),
        asked_for=listed(opened(session, row, "asked_for")),
        gave=listed(opened(session, row, "gave")),
        times=row.times,
        doubtful=row.doubtful,
    )
