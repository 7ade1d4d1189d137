"""The stream of all signals that somebody may be impersonating the organisation: reports, refused
callbacks, failed checks while none of our agents was calling, and contacts with canaries.

When a report changes (it is proven later, or details are added), a new signal with the same
``report_id`` follows, and the latest one counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from incidents.reports import signal_weights
from incidents.reports.models import Report, SignalRecord
from people.models import Customer
from vault.keys import keyring
from verification import failed_checks
from verification.verdicts import Channel

REPORT, REFUSED, UNCONFIRMED, CANARY = "report", "refused", "unconfirmed", "canary"
#: Checks of the same number within this time are about the same call.
SAME_CALL_WINDOW = timedelta(minutes=10)


@dataclass(frozen=True)
class Signal:
    """A signal to record. ``phone_index`` is the keyed fingerprint of the called number; ``proven``
    says that the signal came from that number."""

    kind: str
    at: datetime
    channel: str
    proven: bool = False
    customer_id: UUID | None = None
    phone_index: bytes | None = None
    report_id: UUID | None = None


@dataclass(frozen=True)
class WeightedSignal:
    """A signal as read from the stream.

    ``at`` is when it reached us, ``called_at`` when the call was, if known. ``times`` counts
    duplicates; ``weight`` is from 0 to 1 (:mod:`incidents.reports.signal_weights`).
    """

    kind: str
    at: datetime
    called_at: datetime | None
    channel: str
    customer_id: UUID | None
    phone_index: bytes | None
    proven: bool
    weight: float
    times: int
    report_id: UUID | None
    callback_id: UUID | None


def record_signal(session: Session, sign: Signal) -> None:
    """Add a signal in the caller's transaction."""
    session.add(
        SignalRecord(
            kind=sign.kind,
            at=sign.at,
            channel=sign.channel,
            proven=sign.proven,
            customer_id=sign.customer_id,
            phone_index=sign.phone_index,
            report_id=sign.report_id,
        )
    )
    session.flush()


def list_signals_for_reports(session: Session, reports: Iterable[UUID]) -> list[WeightedSignal]:
    """Return the latest signal of each report, in no particular order."""
    return _latest_signal_per_report(session, col(SignalRecord.report_id).in_(reports))


def list_recent_signals(session: Session, after: datetime) -> list[WeightedSignal]:
    """Return the signals that reached us after an instant, only the latest of each report, in no
    particular order."""
    return _latest_signal_per_report(session, col(SignalRecord.at) > after)


def _latest_signal_per_report(session: Session, which: ColumnElement[bool]) -> list[WeightedSignal]:
    rows = session.exec(
        select(SignalRecord, Report)
        .join(Report, col(Report.id) == col(SignalRecord.report_id), isouter=True)
        .where(which)
        .order_by(col(SignalRecord.id))
    ).all()
    return list(
        {
            (record.report_id or record.id): _weighted_signal(record, report)
            for record, report in rows
        }.values()
    )


def _weighted_signal(item: SignalRecord, report: Report | None) -> WeightedSignal:
    proven = report.proven if report else item.proven
    later = report is not None and report.proven_at is not None
    return WeightedSignal(
        kind=item.kind,
        at=item.at,
        called_at=report.called_at if report else None,
        channel=item.channel,
        customer_id=item.customer_id,
        phone_index=item.phone_index,
        proven=proven or later,
        weight=signal_weights.weigh_signal(
            item.kind,
            item.channel,
            proven=proven,
            proven_later=later,
            doubtful=report is not None and report.doubtful,
        ),
        times=report.times if report else item.times,
        report_id=item.report_id,
        callback_id=report.callback_id if report else None,
    )


def record_failed_checks(session: Session, _now: datetime) -> None:
    """Record failed checks of numbers that we are not calling as signals (a job of the worker).

    All at once: their decoys are locked in the meantime, and new checks wait for them.
    """
    checks = failed_checks.drain_failed_checks(session)
    if not checks:
        return
    keys = keyring.current_keyring(session).index_keys()
    indexes = {
        form
        for check in checks
        for form in (check.phone_index, keys.to_newest_form(check.phone_index))
    }
    known = _customer_ids_by_index(session, indexes)
    latest = _latest_failed_checks(
        session, indexes, min(check.at for check in checks) - SAME_CALL_WINDOW
    )
    for check in sorted(checks, key=lambda one: one.at):
        number = keys.to_newest_form(check.phone_index)
        key = number, check.channel.value
        before = latest.get(key)
        if before is not None and check.at - before.at < SAME_CALL_WINDOW:
            before.times += 1
            continue
        latest[key] = SignalRecord(
            kind=UNCONFIRMED,
            at=check.at,
            channel=check.channel.value,
            proven=check.channel is Channel.TEXT,
            customer_id=known.get(number),
            phone_index=keys.to_written_form(check.phone_index),
        )
    session.add_all(latest.values())
    session.flush()


def _customer_ids_by_index(session: Session, indexes: Iterable[bytes]) -> dict[bytes, UUID]:
    rows = session.exec(
        select(Customer.phone_index, Customer.id).where(col(Customer.phone_index).in_(indexes))
    )
    newest = keyring.current_keyring(session).index_keys().to_newest_form
    return {newest(index): owner for index, owner in rows}


def _latest_failed_checks(
    session: Session, indexes: Iterable[bytes], after: datetime
) -> dict[tuple[bytes, str], SignalRecord]:
    """Return the latest failed checks of these numbers, by number and channel."""
    rows = session.exec(
        select(SignalRecord)
        .where(
            col(SignalRecord.phone_index).in_(indexes),
            col(SignalRecord.kind) == UNCONFIRMED,
            col(SignalRecord.at) > after,
        )
        .order_by(col(SignalRecord.at))
    )
    newest = keyring.current_keyring(session).index_keys().to_newest_form
    return {(newest(row.phone_index or b""), row.channel): row for row in rows}
