"""Retention: customers are erased a configured time after their last callback."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, exists, select

from incidents.reports.models import Report
from people.models import Customer
from procedures.erasure import erase_customers
from scheduling.models import Callback
from vault.audit import audit_log

BATCH_SIZE = 200
MAX_DUE = 10_000
INTERVAL = timedelta(hours=6)
ERASURE_REASON = "retention"


def list_expired_customers(session: Session, before: datetime, limit: int = MAX_DUE) -> list[UUID]:
    """Return customers whose last callback ended, and whose last report came, before ``before``.

    Customers who never had a callback are not included: their importer decides when to remove them.
    """
    reported = exists().where(col(Report.customer_id) == col(Customer.id), col(Report.at) >= before)
    rows = session.exec(
        select(Customer.id)
        .join(Callback, col(Callback.customer_id) == col(Customer.id))
        .where(col(Customer.erased_at).is_(None), ~reported)
        .group_by(col(Customer.id))
        .having(func.max(Callback.ends_at) < before)
        .limit(limit)
    )
    return list(rows)


class RetentionJob:
    """A job of the worker: looks for expired customers four times a day and erases them in
    batches."""

    def __init__(self, keep: timedelta) -> None:
        self._keep = keep
        self._left: Sequence[UUID] = ()
        self._rests_until: datetime | None = None

    def __call__(self, session: Session, now: datetime) -> None:
        """Erase the next batch of expired customers."""
        if not self._left:
            if self._rests_until is not None and now < self._rests_until:
                return
            self._left = list_expired_customers(session, now - self._keep)
            self._rests_until = now + INTERVAL if len(self._left) < MAX_DUE else None
        erase_expired_customers(
            session, self._left[:BATCH_SIZE], now - self._keep, audit_log.SYSTEM, now
        )
        self._left = self._left[BATCH_SIZE:]

    @property
    def __name__(self) -> str:
        return "retention"


def erase_expired_customers(
    session: Session,
    customers: Sequence[UUID],
    before: datetime,
    actor: audit_log.Actor,
    now: datetime,
) -> None:
    """Erase those who have had no callback since ``before``: one may have been booked in the
    meantime."""
    if not customers:
        return
    locked = session.exec(
        select(Customer.id)
        .where(col(Customer.id).in_(customers))
        .order_by(col(Customer.id))
        .with_for_update()
    ).all()
    busy = set(
        session.exec(
            select(Callback.customer_id).where(
                col(Callback.customer_id).in_(locked), col(Callback.ends_at) >= before
            )
        )
    )
    erase_customers(
        session,
        [customer_id for customer_id in locked if customer_id not in busy],
        actor,
        now,
        ERASURE_REASON,
    )
