"""Reads new audit entries in the log's own order: an entry that commits late has a later position,
so none is skipped."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, or_
from sqlmodel import Session, col, select

from incidents.access.justification import BOOK_ACT, CANCEL_ACT
from incidents.anomaly_detection.models import AuditCursor
from vault.audit import log_state
from vault.audit.acts import CUSTOMER_ACCESS_ACTS, AuditAct
from vault.audit.models import AuditRun
from vault.models import AuditEntry

BATCH_SIZE = 20_000
ADD_ACT, MISS_ACT, REFUSE_ACT = (
    AuditAct.CUSTOMER_ADD,
    AuditAct.CALLBACK_MISS,
    AuditAct.CALLBACK_REFUSE,
)
_RELEVANT_ACTS = (*CUSTOMER_ACCESS_ACTS, BOOK_ACT, CANCEL_ACT, ADD_ACT, MISS_ACT, REFUSE_ACT)


def lock_cursor(session: Session) -> AuditCursor | None:
    """Return the cursor, locked, or ``None`` while another worker holds it.

    The first run starts at the end of the log: earlier entries are neither learned from nor
    reported.
    """
    cursor = session.exec(select(AuditCursor).with_for_update(skip_locked=True)).first()
    if cursor is None and session.exec(select(AuditCursor.id)).first() is None:
        session.add(AuditCursor(id=1, place=log_state.count_sequenced_entries(session)))
        session.flush()
    return cursor


def read_new_entries(session: Session, reached: AuditCursor) -> Sequence[AuditEntry]:
    """Return the next relevant entries and advance the cursor."""
    runs = _unread_id_ranges(session, reached.place, reached.place + BATCH_SIZE)
    if not runs:
        return []
    ids = col(AuditEntry.id)
    rows = session.exec(
        select(AuditEntry)
        .where(
            or_(*(and_(ids >= first, ids < end) for first, end, _ in runs)),
            col(AuditEntry.action).in_(_RELEVANT_ACTS),
        )
        .order_by(ids)
    ).all()
    reached.place = runs[-1][2]
    session.add(reached)
    return rows


def _unread_id_ranges(session: Session, begin: int, end: int) -> list[tuple[int, int, int]]:
    """Return the id ranges that fill the positions from ``begin`` to before ``end``, each with its
    end position."""
    last = session.exec(
        select(AuditRun.place)
        .where(col(AuditRun.place) <= begin)
        .order_by(col(AuditRun.place).desc())
        .limit(1)
    ).first()
    rows = session.exec(
        select(AuditRun)
        .where(col(AuditRun.place) >= (last or 0), col(AuditRun.place) < end)
        .order_by(col(AuditRun.place))
        .limit(500)
    )
    ranges = []
    for run in rows:
        skipped, stop = max(0, begin - run.place), min(run.count, end - run.place)
        if skipped < stop:
            ranges.append((run.first_id + skipped, run.first_id + stop, run.place + stop))
    return ranges
