"""Every sign that somebody may be posing as us, in one stream: reports and refused callbacks,
checks that failed while nobody of ours was calling, and whoever called or texted a canary.

Whoever works on it (cases, tracing) remembers how far it has read and asks :func:`since`. Of a
report that has changed (proven later, more was told) a new item follows, with the same
``report_id``: the latest counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, select

from incidents.reports import signal_weights
from incidents.reports.models import Report, StreamItem
from people.models import Customer
from storage import advisory_lock
from vault.keys import keyring
from verification import failed_checks
from verification.failed_checks import Unmet
from verification.verdicts import Channel

REPORT, REFUSED, UNCONFIRMED, CANARY = "report", "refused", "unconfirmed", "canary"
AT_A_TIME = 1000
#: The same number checked again within this time is the same call.
SAME_CALL = timedelta(minutes=10)
_TURN = b"incident stream"


@dataclass(frozen=True)
class Sign:
    """What is put into the stream. ``phone_index`` is the keyed fingerprint of the number that was
    called, ``proven`` that it came from that number."""

    kind: str
    at: datetime
    channel: str
    proven: bool = False
    customer_id: UUID | None = None
    phone_index: bytes | None = None
    report_id: UUID | None = None


@dataclass(frozen=True)
class Item:
    """One item as it is read. ``position`` is the mark to go on from; ``at`` is when it reached us,
    ``called_at`` when the call was as far as anybody said; ``times`` how often the same was
    told; ``weight`` from 0 to 1 (:mod:`incidents.reports.submission.signal_weights`)."""

    position: int
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


def put(session: Session, sign: Sign) -> None:
    """Add a sign in the caller's transaction. It gets its place once the worker has come by."""
    session.add(
        StreamItem(
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


def since(session: Session, mark: int, limit: int = AT_A_TIME) -> list[Item]:
    """The items after a mark (0 for all), in the order of the stream, at most ``limit``."""
    rows = session.exec(
        select(StreamItem, Report)
        .join(Report, col(Report.id) == col(StreamItem.report_id), isouter=True)
        .where(col(StreamItem.position) > mark)
        .order_by(col(StreamItem.position))
        .limit(limit)
    ).all()
    return [_read(item, report) for item, report in rows]


def of_reports(session: Session, reports: Iterable[UUID]) -> list[Item]:
    """The latest item of each of these reports, in no order."""
    return _latest_each(session, col(StreamItem.report_id).in_(reports))


def lately(session: Session, after: datetime) -> list[Item]:
    """All signs that reached us after an instant, of each report the latest item, in no order."""
    return _latest_each(session, col(StreamItem.at) > after)


def _latest_each(session: Session, which: ColumnElement[bool]) -> list[Item]:
    rows = session.exec(
        select(StreamItem, Report)
        .join(Report, col(Report.id) == col(StreamItem.report_id), isouter=True)
        .where(which)
        .order_by(col(StreamItem.id))
    ).all()
    return list({(each.report_id or each.id): _read(each, told) for each, told in rows}.values())


def _read(item: StreamItem, report: Report | None) -> Item:
    proven = report.proven if report else item.proven
    later = report is not None and report.proven_at is not None
    return Item(
        position=item.position or 0,
        kind=item.kind,
        at=item.at,
        called_at=report.called_at if report else None,
        channel=item.channel,
        customer_id=item.customer_id,
        phone_index=item.phone_index,
        proven=proven or later,
        weight=signal_weights.of(
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


def gather(session: Session, _now: datetime) -> None:
    """Collect the checks that failed, and give what is new its place (a job of the worker).

    One at a time: were two to give places, a reader could see the later one's first and then
    miss the other's.
    """
    advisory_lock.take(session, _TURN)
    _take_in(session, failed_checks.collect(session))
    last = session.exec(select(func.max(StreamItem.position))).one() or 0
    fresh = session.exec(
        select(StreamItem)
        .where(col(StreamItem.position).is_(None))
        .order_by(col(StreamItem.id))
        .limit(AT_A_TIME)
    ).all()
    for position, item in enumerate(fresh, last + 1):
        item.position = position
        session.add(item)
    session.flush()


def _take_in(session: Session, checks: Sequence[Unmet]) -> None:
    """All at once: the decoys are locked meanwhile, and checks wait for them."""
    if not checks:
        return
    keys = keyring.of(session).index_keys()
    indexes = {
        form for each in checks for form in (each.phone_index, keys.newest(each.phone_index))
    }
    known = _customers(session, indexes)
    latest = _latest(session, indexes, min(each.at for each in checks) - SAME_CALL)
    for each in sorted(checks, key=lambda one: one.at):
        number = keys.newest(each.phone_index)
        key = number, each.channel.value
        before = latest.get(key)
        if before is not None and each.at - before.at < SAME_CALL:
            before.times += 1
            continue
        latest[key] = StreamItem(
            kind=UNCONFIRMED,
            at=each.at,
            channel=each.channel.value,
            proven=each.channel is Channel.TEXT,
            customer_id=known.get(number),
            phone_index=keys.anew(each.phone_index),
        )
    session.add_all(latest.values())
    session.flush()


def _customers(session: Session, indexes: Iterable[bytes]) -> dict[bytes, UUID]:
    rows = session.exec(
        select(Customer.phone_index, Customer.id).where(col(Customer.phone_index).in_(indexes))
    )
    newest = keyring.of(session).index_keys().newest
    return {newest(index): owner for index, owner in rows}


def _latest(
    session: Session, indexes: Iterable[bytes], after: datetime
) -> dict[tuple[bytes, str], StreamItem]:
    """The latest failed checks of these numbers, by number and channel."""
    rows = session.exec(
        select(StreamItem)
        .where(
            col(StreamItem.phone_index).in_(indexes),
            col(StreamItem.kind) == UNCONFIRMED,
            col(StreamItem.at) > after,
        )
        .order_by(col(StreamItem.at))
    )
    newest = keyring.of(session).index_keys().newest
    return {(newest(each.phone_index or b""), each.channel): each for each in rows}
