"""The state of the audit log: one sealed row, compared with the tree each time it is used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from vault.audit import merkle, row_macs
from vault.audit.models import AuditCheckpoint, AuditPublication, AuditRun, AuditState, AuditTile
from vault.audit.row_macs import LogTampered
from vault.audit.tiles import Tiles
from vault.models import AuditEntry

STATE_CHANGED = "The state of the audit log was changed by somebody without its key."
STATE_GONE = "The state of the audit log was deleted."
STATE_SET_BACK = "The state of the audit log is not that of its tree: one of them was put back."
LOG_CUT = "The log was cut: a checkpoint in the store tells of {} entries, there are {}."
RUN_CHANGED = "The order of the log was changed at place {} by somebody without its key."
_AHEAD = timedelta(minutes=5)
_NEVER = datetime.fromtimestamp(0, UTC)


def find_last_run(session: Session) -> AuditRun | None:
    """Return the last run of the log."""
    return session.exec(select(AuditRun).order_by(col(AuditRun.place).desc()).limit(1)).first()


def count_sequenced_entries(session: Session) -> int:
    """Count the entries in the log."""
    last = find_last_run(session)
    return last.place + last.count if last else 0


def load_or_create_state(session: Session, now: datetime) -> AuditState:
    """Return the state, to be updated; a new one for a log that was never started. Raises
    :class:`LogTampered` if it is inconsistent."""
    state = _read_log_state(session)
    if state is not None:
        require_state_fits_tree(session, state)
        return state
    if was_log_begun(session):
        raise LogTampered(STATE_GONE)
    state = AuditState(id=1, next_at=now)
    row_macs.set_row_mac(session, state)
    session.add(state)
    session.flush()
    return state


def _read_log_state(session: Session) -> AuditState | None:
    try:
        return session.get(AuditState, 1, populate_existing=True)
    except (ValueError, TypeError):  # a value that no column of that type can hold
        raise LogTampered(STATE_CHANGED) from None


def was_log_begun(session: Session) -> bool:
    """Return whether anything shows that a log existed."""
    tables: tuple[Any, ...] = (AuditRun, AuditTile, AuditCheckpoint, AuditPublication)
    return any(session.exec(select(table).limit(1)).first() is not None for table in tables)


def require_state_fits_tree(session: Session, found: AuditState) -> None:
    """Raise :class:`LogTampered` unless the state's MAC holds and it matches the tree."""
    row_macs.require_valid_row_mac(session, found, STATE_CHANGED)
    last = find_last_run(session)
    if last is not None:
        row_macs.require_valid_row_mac(session, last, RUN_CHANGED.format(last.place))
    if found.size != (last.place + last.count if last else 0):
        raise LogTampered(STATE_SET_BACK)
    if found.size and compute_stored_root(Tiles(session), found.size) != found.root:
        raise LogTampered(STATE_SET_BACK)
    newest = session.exec(select(func.max(AuditCheckpoint.size))).one()
    if newest and newest > found.size:
        raise LogTampered(LOG_CUT.format(newest, found.size))


def require_plausible_state(
    session: Session, found: AuditState, now: datetime | None, settles_after: timedelta
) -> None:
    """Raise :class:`LogTampered` for a state that no log can have, whatever its MAC: settled beyond
    the last entry, or next checked later than the delay allows."""
    highest = session.exec(select(func.max(AuditEntry.id))).one() or 0
    if max(found.settled_id, found.next_id) > highest:
        raise LogTampered(f"{STATE_CHANGED} It is settled beyond the last entry.")
    latest = found.next_at if now is None else now + settles_after + _AHEAD
    if found.settled_id > found.next_id or found.next_at > latest:
        raise LogTampered(f"{STATE_CHANGED} It is put off.")


def compute_stored_root(tiles: Tiles, of_size: int) -> bytes:
    """Return the root of the tree. Raises :class:`LogTampered` if its tiles are missing."""
    try:
        return merkle.compute_root(tiles, of_size)
    except KeyError:
        raise LogTampered("A part of the tree of the audit log is gone.") from None


def add_macs_to_earlier_rows(session: Session) -> None:
    """Set the MACs of existing rows once (upgrade to revision 0029). Entries from before have no
    MAC."""
    rows: tuple[Any, ...] = (AuditRun, AuditPublication)
    for table in rows:
        for row in session.exec(select(table)):
            row_macs.set_row_mac(session, row)
            session.add(row)
    state = session.get(AuditState, 1) or AuditState(id=1, next_at=_NEVER)
    state.size = count_sequenced_entries(session)
    state.root = compute_stored_root(Tiles(session), state.size) if state.size else None
    state.unmarked_id = session.exec(select(func.max(AuditEntry.id))).one() or 0
    row_macs.set_row_mac(session, state)
    session.add(state)
    session.flush()


def last_unmarked_id(session: Session) -> int:
    """Return the id of the last entry from before MACs were introduced."""
    state = _read_log_state(session)
    return state.unmarked_id if state and row_macs.has_valid_row_mac(session, state) else 0


def last_settled_id(session: Session) -> int:
    """Return the id up to which no new entry can appear; 0 if the state is inconsistent."""
    state = _read_log_state(session)
    return state.settled_id if state and row_macs.has_valid_row_mac(session, state) else 0


def find_state_fault(session: Session, now: datetime | None, settles_after: timedelta) -> str:
    """Return what is wrong with the state, in a sentence, or an empty string."""
    try:
        state = _read_log_state(session)
        if state is None:
            return STATE_GONE if was_log_begun(session) else ""
        require_state_fits_tree(session, state)
        require_plausible_state(session, state, now, settles_after)
    except LogTampered as error:
        return str(error)
    return ""
