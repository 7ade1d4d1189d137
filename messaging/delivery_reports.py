"""Delivery reports of providers, in any order and with any repetition.

A report can only advance the status of a text, so every order of the same reports gives the same
result. Reports may arrive before we know the provider's id of the text.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import case, or_
from sqlmodel import Session, col, delete, select

from messaging.models import DeliveryReport, OutboxMessage
from storage.upsert import insert_on_conflict

#: In order of precedence; a report of arrival outweighs all others.
STATUS_ORDER = (
    "accepted",
    "scheduled",
    "queued",
    "sending",
    "sent",
    "canceled",
    "failed",
    "undelivered",
    "delivered",
    "read",
)
ARRIVED_STATUSES = frozenset({"delivered", "read"})
LOST_STATUSES = frozenset({"canceled", "failed", "undelivered"})
RETENTION = timedelta(days=90)


def record_delivery_report(
    session: Session, provider_id: str, status: str, error: int | None, now: datetime
) -> bool:
    """Record a report; return whether it changed anything.

    Of two reports with the same status, the one with the lower error code wins, and one with a code
    wins over one without.
    """
    if status not in STATUS_ORDER:
        return False
    table = DeliveryReport.__table__  # type: ignore[attr-defined]
    rank = case({name: at for at, name in enumerate(STATUS_ORDER)}, value=table.c.status, else_=-1)
    reported_rank = STATUS_ORDER.index(status)
    further = rank < reported_rank
    if error is not None:
        same = (rank == reported_rank) & or_(table.c.error.is_(None), table.c.error > error)
        further = or_(further, same)
    values = {"provider_id": provider_id, "status": status, "error": error, "first_at": now}
    new = (
        insert_on_conflict(session, table, values)
        .on_conflict_do_update(
            index_elements=["provider_id"],
            set_={"status": status, "error": error},
            where=further,
        )
        .returning(table.c.provider_id)
    )
    return session.connection().execute(new).first() is not None


def find_delivery_report(session: Session, message: OutboxMessage | None) -> DeliveryReport | None:
    """Return the delivery report of one of our texts, if there is one."""
    if message is None or message.provider_id is None:
        return None
    return session.get(DeliveryReport, message.provider_id)


def purge_delivery_reports(session: Session, now: datetime) -> None:
    """Delete reports after the retention period (a job of the worker)."""
    old = (
        select(DeliveryReport.provider_id)
        .where(col(DeliveryReport.first_at) < now - RETENTION)
        .limit(500)
    )
    session.exec(delete(DeliveryReport).where(col(DeliveryReport.provider_id).in_(old)))
