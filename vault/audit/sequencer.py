"""Sequences audit entries: puts them into the tree, in one permanent order.

An entry is written in the transaction of its act; its position is decided afterwards, by the holder
of the log's lock, so that acts do not wait for each other. On PostgreSQL ids are assigned before a
transaction commits, and some are never used, so an entry can appear below the highest id in the
log: it is looked for during an hour, and later it is not accepted (the verifier reports it).

The progress is sealed (:mod:`vault.audit.row_macs`). A state that was changed stops the sequencer
with an alarm, since one that claims that everything is sequenced would keep every later entry out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import and_, func, or_
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from storage import advisory_lock
from vault.audit import log_state, row_macs
from vault.audit.entry_encoding import ALL_COLUMNS, encode_entry
from vault.audit.log_state import find_last_run
from vault.audit.merkle import leaf_hash
from vault.audit.models import AuditRun, AuditState
from vault.audit.tiles import Tiles
from vault.models import AuditEntry

BATCH_SIZE = 1000
SETTLES_AFTER = timedelta(hours=1)
_TURN = b"audit log"
_HOLES = 200
_ENTRY = AuditEntry.__table__  # type: ignore[attr-defined]
IdRange = tuple[int, int | None]


def sequence_entries(session: Session, now: datetime, limit: int = BATCH_SIZE) -> int:
    """Sequence at most the next ``limit`` committed entries; return how many. Raises
    :class:`~vault.audit.row_macs.LogTampered` if the log's own rows were changed."""
    advisory_lock.acquire_lock(session, _TURN)
    state = log_state.load_or_create_state(session, now)
    log_state.require_plausible_state(session, state, now, SETTLES_AFTER)
    rows = _read_next_unsequenced(session, state.settled_id, limit)
    if rows:
        tiles = Tiles(session)
        tiles.append_leaves(state.size, [leaf_hash(encode_entry(row)) for row in rows])
        _append_runs(session, find_last_run(session), state.size, [row["id"] for row in rows])
        state.size += len(rows)
        state.root = log_state.compute_stored_root(tiles, state.size)
    if _advance_settled_id(session, state, now) or rows:
        row_macs.set_row_mac(session, state)
        session.add(state)
        session.flush()
    return len(rows)


def _read_next_unsequenced(session: Session, settled: int, limit: int) -> Sequence[dict[str, Any]]:
    columns = [_ENTRY.c[name] for name in ALL_COLUMNS]
    found: list[dict[str, Any]] = []
    holes = iter(find_id_gaps(session, settled))
    while len(found) < limit and (some := list(islice(holes, _HOLES))):
        ranges = [
            and_(_ENTRY.c.id >= begin, _ENTRY.c.id < end) if end else _ENTRY.c.id >= begin
            for begin, end in some
        ]
        statement = select_columns(*columns).where(or_(*ranges)).order_by(_ENTRY.c.id)
        rows = session.connection().execute(statement.limit(limit - len(found)))
        found += [dict(row) for row in rows.mappings()]
    return found


def read_unsequenced_entries(session: Session) -> Iterator[dict[str, Any]]:
    """Return all entries that are not sequenced yet, in their current state."""
    entries = session.get(AuditState, 1)
    columns = [_ENTRY.c[name] for name in ALL_COLUMNS]
    for begin, end in find_id_gaps(session, entries.settled_id if entries else 0):
        statement = select_columns(*columns).where(_ENTRY.c.id >= begin).order_by(_ENTRY.c.id)
        if end is not None:
            statement = statement.where(_ENTRY.c.id < end)
        for row in session.connection().execute(statement).mappings():
            yield dict(row)


def find_id_gaps(session: Session, settled: int) -> Iterator[IdRange]:
    """Return the ranges of ids above ``settled`` that are not in the log; the last has no end."""
    across = select(func.max(AuditRun.first_id)).where(col(AuditRun.first_id) <= settled)
    runs = session.exec(
        select(AuditRun)
        .where(col(AuditRun.first_id) >= func.coalesce(across.scalar_subquery(), 0))
        .order_by(col(AuditRun.first_id))
    ).all()
    begin = settled + 1
    for run in runs:
        row_macs.require_valid_row_mac(session, run, log_state.RUN_CHANGED.format(run.place))
        if run.first_id > begin:
            yield begin, run.first_id
        begin = max(begin, run.first_id + run.count)
    yield begin, None


def _append_runs(session: Session, last: AuditRun | None, place: int, ids: Sequence[int]) -> None:
    for run in _consecutive_runs(ids):
        if last is not None and last.first_id + last.count == run[0]:
            last.count += len(run)
        else:
            last = AuditRun(place=place, first_id=run[0], count=len(run))
        row_macs.set_row_mac(session, last)
        session.add(last)
        place += len(run)
    session.flush()


def _consecutive_runs(ids: Sequence[int]) -> Iterator[list[int]]:
    run: list[int] = []
    for id_ in ids:
        if run and id_ != run[-1] + 1:
            yield run
            run = []
        run.append(id_)
    yield run


def _advance_settled_id(session: Session, found: AuditState, now: datetime) -> bool:
    if now < found.next_at:
        return False
    highest = session.exec(
        select(AuditRun.first_id + AuditRun.count - 1)
        .order_by(col(AuditRun.first_id).desc())
        .limit(1)
    ).first()
    found.settled_id, found.next_id = found.next_id, highest or 0
    found.next_at = now + SETTLES_AFTER
    return True
