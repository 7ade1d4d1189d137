"""How far the audit log has come: one sealed row, held against the tree each time it is used."""

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
    """The end of the order of the log."""
    return session.exec(select(AuditRun).order_by(col(AuditRun.place).desc()).limit(1)).first()


def count_sequenced_entries(session: Session) -> int:
    """How many entries the log holds."""
    last = find_last_run(session)
    return last.place + last.count if last else 0


def load_or_create_state(session: Session, now: datetime) -> AuditState:
    """The state, to be written again; a new one for a log that was never begun. Raises
    :class:`LogTampered` for one that does not fit."""
    found = _read_log_state(session)
    if found is not None:
        require_state_fits_tree(session, found)
        return found
    if was_log_begun(session):
        raise LogTampered(STATE_GONE)
    found = AuditState(id=1, next_at=now)
    row_macs.set_row_mac(session, found)
    session.add(found)
    session.flush()
    return found


def _read_log_state(session: Session) -> AuditState | None:
    try:
        return session.get(AuditState, 1, populate_existing=True)
    except (ValueError, TypeError):  # what no column of that kind can hold
        raise LogTampered(STATE_CHANGED) from None


def was_log_begun(session: Session) -> bool:
    """Whether anything says that there was a log."""
    tables: tuple[Any, ...] = (AuditRun, AuditTile, AuditCheckpoint, AuditPublication)
    return any(session.exec(select(table).limit(1)).first() is not None for table in tables)


def require_state_fits_tree(session: Session, found: AuditState) -> None:
    """Raises :class:`LogTampered` unless the state is sealed, and that of the tree as it is."""
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
    """Raises :class:`LogTampered` for what no log can be, whatever its seal: settled beyond the
    last entry, or next looked at later than it is put off for."""
    highest = session.exec(select(func.max(AuditEntry.id))).one() or 0
    if max(found.settled_id, found.next_id) > highest:
        raise LogTampered(f"{STATE_CHANGED} It is settled beyond the last entry.")
    latest = found.next_at if now is None else now + settles_after + _AHEAD
    if found.settled_id > found.next_id or found.next_at > latest:
        raise LogTampered(f"{STATE_CHANGED} It is put off.")


def compute_stored_root(tiles: Tiles, of_size: int) -> bytes:
    """The root of the tree; of one whose tiles are gone, none."""
    try:
        return merkle.compute_root(tiles, of_size)
    except KeyError:
        raise LogTampered("A part of the tree of the audit log is gone.") from None


def add_macs_to_earlier_rows(session: Session) -> None:
    """Seal what there is, once: a step of the upgrade to revision 0029. Entries of before have no
    mark."""
    rows: tuple[Any, ...] = (AuditRun, AuditPublication)
    for table in rows:
        for row in session.exec(select(table)):
            row_macs.set_row_mac(session, row)
            session.add(row)
    found = session.get(AuditState, 1) or AuditState(id=1, next_at=_NEVER)
    found.size = count_sequenced_entries(session)
    found.root = compute_stored_root(Tiles(session), found.size) if found.size else None
    found.unmarked_id = session.exec(select(func.max(AuditEntry.id))).one() or 0
    row_macs.set_row_mac(session, found)
    session.add(found)
    session.flush()


def last_unmarked_id(session: Session) -> int:
    """The last entry from before entries were marked."""
    found = _read_log_state(session)
    return found.unmarked_id if found and row_macs.has_valid_row_mac(session, found) else 0


def last_settled_id(session: Session) -> int:
    """Up to where no entry can turn up any more; 0 where the state says nothing that fits."""
    found = _read_log_state(session)
    return found.settled_id if found and row_macs.has_valid_row_mac(session, found) else 0


def find_state_fault(session: Session, now: datetime | None, settles_after: timedelta) -> str:
    """What is wrong with the state, in a sentence, or nothing."""
    try:
        found = _read_log_state(session)
        if found is None:
            return STATE_GONE if was_log_begun(session) else ""
        require_state_fits_tree(session, found)
        require_plausible_state(session, found, now, settles_after)
    except LogTampered as error:
        return str(error)
    return ""
