"""The audit log since the last look, in the log's own order: an entry that commits late turns up
later in it, and none is passed over."""

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
    """How far the watch has come, locked; none while another worker is at it. The first look begins
    at the end of the log: what was before teaches nothing and accuses nobody."""
    found = session.exec(select(AuditCursor).with_for_update(skip_locked=True)).first()
    if found is None and session.exec(select(AuditCursor.id)).first() is None:
        session.add(AuditCursor(id=1, place=log_state.count_sequenced_entries(session)))
        session.flush()
    return found


def read_new_entries(session: Session, reached: AuditCursor) -> Sequence[AuditEntry]:
    """The next entries that tell the watch something; moves the mark on."""
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
    """Ranges of ids that fill the places from ``begin`` to before ``end``, with the place that each
    reaches to."""
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
    found = []
    for run in rows:
        skipped, stop = max(0, begin - run.place), min(run.count, end - run.place)
        if skipped < stop:
            found.append((run.first_id + skipped, run.first_id + stop, run.place + stop))
    return found
