"""Puts audit entries into the tree, in one order for good.

An entry is written in the transaction of the act that it tells of; which place it has is decided
afterwards, by whoever holds the log's turn, so that acts do not wait for each other. On PostgreSQL
ids are given out before a transaction commits, and some are never used, so an entry can turn up
below the highest id in the log: for an hour it is still looked for, and later it is no entry of
ours (the verifier says so).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import and_, func, or_
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from storage import turns
from vault.log.entries import COLUMNS, encoded
from vault.log.merkle import leaf_hash
from vault.log.models import AuditRun, AuditState
from vault.log.tiles import Tiles
from vault.models import AuditEntry

AT_A_TIME = 1000
SETTLES_AFTER = timedelta(hours=1)
_TURN = b"audit log"
_HOLES = 200
_ENTRY = AuditEntry.__table__  # type: ignore[attr-defined]
Range = tuple[int, int | None]


def size(session: Session) -> int:
    """How many entries the log holds."""
    last = _last(session)
    return last.place + last.count if last else 0


def _last(session: Session) -> AuditRun | None:
    return session.exec(select(AuditRun).order_by(col(AuditRun.place).desc()).limit(1)).first()


def take_in(session: Session, now: datetime, limit: int = AT_A_TIME) -> int:
    """Give committed entries their places, the next ``limit`` at the most; how many there were."""
    turns.take(session, _TURN)
    state = _state(session, now)
    rows = _waiting(session, state.settled_id, limit)
    if rows:
        last = _last(session)
        place = last.place + last.count if last else 0
        Tiles(session).add(place, [leaf_hash(encoded(row)) for row in rows])
        _append(session, last, place, [row["id"] for row in rows])
    _settle(session, state, now)
    return len(rows)


def _state(session: Session, now: datetime) -> AuditState:
    state = session.get(AuditState, 1)
    if state is None:
        state = AuditState(id=1, next_at=now)
        session.add(state)
        session.flush()
    return state


def _waiting(session: Session, settled: int, limit: int) -> Sequence[dict[str, Any]]:
    columns = [_ENTRY.c[name] for name in COLUMNS]
    found: list[dict[str, Any]] = []
    holes = iter(_holes(session, settled))
    while len(found) < limit and (some := list(islice(holes, _HOLES))):
        ranges = [
            and_(_ENTRY.c.id >= begin, _ENTRY.c.id < end) if end else _ENTRY.c.id >= begin
            for begin, end in some
        ]
        statement = select_columns(*columns).where(or_(*ranges)).order_by(_ENTRY.c.id)
        rows = session.connection().execute(statement.limit(limit - len(found)))
        found += [dict(row) for row in rows.mappings()]
    return found


def _holes(session: Session, settled: int) -> Iterator[Range]:
    """Ranges of ids above ``settled`` that are not in the log; the last has no end."""
    across = select(func.max(AuditRun.first_id)).where(col(AuditRun.first_id) <= settled)
    runs = session.exec(
        select(AuditRun.first_id, AuditRun.count)
        .where(col(AuditRun.first_id) >= func.coalesce(across.scalar_subquery(), 0))
        .order_by(col(AuditRun.first_id))
    ).all()
    begin = settled + 1
    for first, count in runs:
        if first > begin:
            yield begin, first
        begin = max(begin, first + count)
    yield begin, None


def _append(session: Session, last: AuditRun | None, place: int, ids: Sequence[int]) -> None:
    for run in _runs(ids):
        if last is not None and last.first_id + last.count == run[0]:
            last.count += len(run)
        else:
            last = AuditRun(place=place, first_id=run[0], count=len(run))
        session.add(last)
        place += len(run)
    session.flush()


def _runs(ids: Sequence[int]) -> Iterator[list[int]]:
    run: list[int] = []
    for each in ids:
        if run and each != run[-1] + 1:
            yield run
            run = []
        run.append(each)
    yield run


def _settle(session: Session, state: AuditState, now: datetime) -> None:
    if now < state.next_at:
        return
    highest = session.exec(
        select(AuditRun.first_id + AuditRun.count - 1)
        .order_by(col(AuditRun.first_id).desc())
        .limit(1)
    ).first()
    state.settled_id, state.next_id = state.next_id, highest or 0
    state.next_at = now + SETTLES_AFTER
    session.add(state)
    session.flush()
