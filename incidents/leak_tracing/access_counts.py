"""Keeps a tally of how many customers each staff member has accessed (a job of the worker).

Every page writes to the audit log, so nothing is added on that path. Instead the worker follows the
log with a cursor. For each new entry it looks up, by the index on customers, whether the same
person had accessed the same customer before. The tally goes only as far as the log's tree
guarantees that no earlier entry can still appear; a trace counts the later entries itself.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from operator import add
from struct import Struct
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from incidents.leak_tracing.models import AccessTally, AccessTallyCursor
from people.models import Customer
from storage import advisory_lock, statement_timeout
from vault.audit.acts import CUSTOMER_ACCESS_ACTS
from vault.audit.models import AuditState
from vault.models import AuditEntry

BATCH_SIZE = 20_000  # audit entries
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
BLOCK_DAYS = 64  # in a block of the tally
_BLOCK_FORMAT = Struct(f"<{BLOCK_DAYS}I")
_LOCK_NAME = b"access tally"
_ENTRY = AuditEntry.__table__  # type: ignore[attr-defined]
_TALLY = AccessTally.__table__  # type: ignore[attr-defined]
_EARLIER = _ENTRY.alias("earlier")


def update_access_tally(session: Session, now: datetime) -> None:
    """Count the next batch of audit entries and, once a day, the customers."""
    statement_timeout.remove_statement_timeout(session)
    advisory_lock.acquire_lock(session, _LOCK_NAME)
    mark = session.get(AccessTallyCursor, 1) or AccessTallyCursor()
    state = session.get(AuditState, 1)
    upto = min(mark.entry_id + BATCH_SIZE, state.settled_id if state else 0)
    if upto > mark.entry_id:
        add_tally_counts(session, count_first_accesses(session, mark.entry_id, upto))
        mark.entry_id = upto
    if mark.counted_on != now.date():
        mark.customers, mark.counted_on = count_unerased_customers(session), now.date()
    session.add(mark)
    session.flush()


def add_tally_counts(session: Session, counts: Mapping[tuple[UUID, int], int]) -> None:
    """Add the counts of :func:`count_first_accesses` to the tally's blocks. The caller must hold
    the tally's advisory lock."""
    added: dict[tuple[UUID, int], list[int]] = {}
    for (who, day), count in counts.items():
        added.setdefault((who, day // BLOCK_DAYS), [0] * BLOCK_DAYS)[day % BLOCK_DAYS] += count
    held = {(row.staff_id, row.block): row for row in _load_tally_rows(session, added)}
    for (who, block), fresh in added.items():
        row = held.get((who, block)) or AccessTally(
            staff_id=who, block=block, fresh=bytes(4 * BLOCK_DAYS)
        )
        row.fresh = _BLOCK_FORMAT.pack(*map(add, _BLOCK_FORMAT.unpack(row.fresh), fresh))
        session.add(row)


def _load_tally_rows(session: Session, keys: Collection[tuple[UUID, int]]) -> Sequence[AccessTally]:
    staff, blocks = {who for who, _ in keys}, {block for _, block in keys}
    rows = select(AccessTally).where(col(AccessTally.staff_id).in_(staff))
    return session.exec(rows.where(col(AccessTally.block).in_(blocks))).all()


@dataclass(frozen=True)
class DailyCounts:
    """How many customers each staff member first accessed on each day.

    ``fresh`` has a count for each day of ``span``, in days since 1970-01-01 (UTC).
    """

    span: range
    fresh: Mapping[UUID, Sequence[int]]


def load_daily_first_accesses(session: Session) -> DailyCounts:
    """Load all daily counts: the tally, plus the entries after it."""
    mark = session.get(AccessTallyCursor, 1)
    late = count_first_accesses(session, mark.entry_id if mark else 0)
    columns = (_TALLY.c.staff_id, _TALLY.c.block, _TALLY.c.fresh)
    rows = session.connection().execute(select_columns(*columns)).all()
    blocks = [block for _, block, _ in rows] + [day // BLOCK_DAYS for _, day in late]
    span = range(min(blocks, default=0) * BLOCK_DAYS, (max(blocks, default=-1) + 1) * BLOCK_DAYS)
    counts_by_staff: dict[UUID, list[int]] = defaultdict(lambda: [0] * len(span))
    for staff_id, block, packed in rows:
        place = block * BLOCK_DAYS - span.start
        counts_by_staff[staff_id][place : place + BLOCK_DAYS] = _BLOCK_FORMAT.unpack(packed)
    for (staff_id, day), count in late.items():
        counts_by_staff[staff_id][day - span.start] += count
    return DailyCounts(span, dict(counts_by_staff))


def count_first_accesses(
    session: Session, after: int, upto: int | None = None
) -> Counter[tuple[UUID, int]]:
    """Count first accesses by staff member and day, in entries with ids after ``after`` and up to
    ``upto``, or to the last."""
    looks = (
        select_columns(_ENTRY.c.staff_id, _ENTRY.c.customer_id, func.min(_ENTRY.c.at).label("at"))
        .where(
            _ENTRY.c.id > after,
            _ENTRY.c.action.in_(CUSTOMER_ACCESS_ACTS),
            _ENTRY.c.staff_id.is_not(None),
            _ENTRY.c.customer_id.is_not(None),
        )
        .group_by(_ENTRY.c.staff_id, _ENTRY.c.customer_id)
    )
    if upto is not None:
        looks = looks.where(_ENTRY.c.id <= upto)
    new = looks.cte("new").prefix_with("MATERIALIZED", dialect="postgresql")
    # A scalar subquery makes one index look-up by customer for each row; the planner would run a
    # join differently.
    earlier = (
        select_columns(_EARLIER.c.id)
        .where(
            _EARLIER.c.customer_id == new.c.customer_id,
            _EARLIER.c.id <= after,
            _EARLIER.c.staff_id == new.c.staff_id,
            _EARLIER.c.action.in_(CUSTOMER_ACCESS_ACTS),
        )
        .limit(1)
        .scalar_subquery()
    )
    statement = select_columns(new.c.staff_id, new.c.at).where(earlier.is_(None))
    rows: Any = session.connection().execute(statement)
    return Counter((staff_id, at.toordinal() - EPOCH_ORDINAL) for staff_id, at in rows)


def count_unerased_customers(session: Session) -> int:
    """Return the number of customers, without erased ones."""
    statement = select(func.count()).select_from(Customer).where(col(Customer.erased_at).is_(None))
    return session.exec(statement).one()
