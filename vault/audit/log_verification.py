"""Reads the whole log and verifies it against earlier checkpoints.

Needs no key and trusts nothing in the database. Assumes only that the checkpoints were stored where
nobody who may have changed the log can reach them. With the keys it also verifies that entries that
are not in a checkpoint yet are neither missing nor changed (:mod:`vault.audit.completeness`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from storage.statement_timeout import remove_statement_timeout
from vault.audit import log_state, merkle, sequencer
from vault.audit.completeness import CompletenessCheck, LostWriter
from vault.audit.entry_reader import ENTRY, EntryReader, LogFault
from vault.audit.merkle import Frontier
from vault.audit.models import AuditRun, AuditState
from vault.audit.row_macs import LogTampered
from vault.audit.signed_notes import Checkpoint
from vault.audit.tiles import Tiles
from vault.keys import keyring


@dataclass(frozen=True)
class VerificationResult:
    """The result of a verification. ``bad`` is a sentence about what is wrong, empty if nothing is;
    ``size`` entries are in the log, of which ``covered`` are attested by a checkpoint; ``ends`` are
    processes that stopped without their last heartbeat."""

    size: int
    covered: int
    bad: str = ""
    ends: tuple[LostWriter, ...] = ()


def verify_log(
    session: Session,
    checkpoints: Sequence[Checkpoint],
    progress: Callable[[int], None] = lambda _: None,
    now: datetime | None = None,
) -> VerificationResult:
    """Verify the log against earlier checkpoints, in any order. ``progress`` is called as entries
    are read.

    If the session carries the keys, also verifies entries that are not sequenced yet, missing
    entries, and the rows that the log keeps about itself.
    """
    remove_statement_timeout(session)
    wanted = sorted(checkpoints, key=lambda each: each.size)
    size = 0
    try:
        marks = _make_completeness_check(session)  # load positions before reading entries
        size = log_state.count_sequenced_entries(session)
        reader = EntryReader(session, progress, size, marks)
        covered = _compare_with_checkpoints(reader, wanted, size)
        _require_no_foreign_entries(session)
        if marks is not None:
            _require_completeness(reader, marks, now)
    except (LogFault, LogTampered) as bad:
        return VerificationResult(size, 0, str(bad))
    return VerificationResult(
        size, covered, ends=tuple(marks.find_lost_writers(now)) if marks else ()
    )


def _make_completeness_check(session: Session) -> CompletenessCheck | None:
    if not keyring.has_keyring(session):
        return None
    return CompletenessCheck(session)


def _require_completeness(
    reader: EntryReader, marks: CompletenessCheck, now: datetime | None
) -> None:
    """Raise if anything is wrong with entries that are not in the tree yet, with writers, or with
    the state of the log."""
    session = reader.session
    fault = log_state.find_state_fault(session, now, sequencer.SETTLES_AFTER)
    if fault:
        raise LogFault(fault)
    try:
        for row in sequencer.read_unsequenced_entries(session):
            reader.check_against_writer(row)
    except (ValueError, TypeError, AttributeError):
        raise LogFault("An entry that has no place yet cannot be read.") from None
    bad = reader.unlike or marks.describe_missing_entries()
    if bad:
        raise LogFault(bad)


def _compare_with_checkpoints(reader: EntryReader, wanted: Sequence[Checkpoint], size: int) -> int:
    frontier, good = Frontier(), 0
    left = list(wanted)
    _compare_at_checkpoint(reader, frontier, left, good)
    for leaf in reader.read_entry_hashes():
        frontier.append_leaf(leaf)
        good = _compare_at_checkpoint(reader, frontier, left, good)
    if frontier.size != size:
        raise LogFault(f"The log says {size} entries and holds {frontier.size}.")
    if left:
        raise LogFault(
            f"The log was cut: a checkpoint tells of {left[-1].size} entries, there are"
            f" {size}. {_describe_first_bad_entry(reader)}".strip()
        )
    if reader.differs:
        raise LogFault(f"The first bad entry: {reader.differs}.")
    return good


def _compare_at_checkpoint(
    reader: EntryReader, frontier: Frontier, left: list[Checkpoint], good: int
) -> int:
    while left and left[0].size == frontier.size:
        if left[0].root != frontier.root:
            raise LogFault(
                f"The first {frontier.size} entries are not those of the checkpoint."
                f" {_locate_first_fault(reader, left[0], good)}"
            )
        good = left.pop(0).size
    return good


def _locate_first_fault(reader: EntryReader, checkpoint: Checkpoint, good: int) -> str:
    """Return the first bad entry if the stored tree still matches the checkpoint; otherwise the
    range between the last good checkpoint and this one."""
    if reader.differs and _is_tree_unchanged(reader.session, checkpoint):
        return f"The first bad entry: {reader.differs}."
    return f"The first bad entry is at place {good} or after, and before {checkpoint.size}."


def _is_tree_unchanged(session: Session, checkpoint: Checkpoint) -> bool:
    try:
        return merkle.compute_root(Tiles(session), checkpoint.size) == checkpoint.root
    except KeyError:
        return False


def _describe_first_bad_entry(reader: EntryReader) -> str:
    return f"The first bad entry: {reader.differs}." if reader.differs else ""


def _require_no_foreign_entries(session: Session) -> None:
    """Raise for settled entries (older than an hour) that are not in the log: they were inserted by
    hand."""
    found = session.get(AuditState, 1)
    settled = found.settled_id if found else 0
    inside = session.exec(
        select(func.coalesce(func.sum(AuditRun.count), 0)).where(
            col(AuditRun.first_id) + col(AuditRun.count) - 1 <= settled
        )
    ).one()
    across = session.exec(
        select(AuditRun.first_id).where(
            col(AuditRun.first_id) <= settled,
            col(AuditRun.first_id) + col(AuditRun.count) - 1 > settled,
        )
    )
    known = int(inside) + sum(settled - first + 1 for first in across)
    count = session.connection().execute(
        select_columns(func.count()).select_from(ENTRY).where(ENTRY.c.id <= settled)
    )
    more = count.scalar_one() - known
    if more > 0:
        raise LogFault(f"{more} entries stand in the table that the log does not know.")
