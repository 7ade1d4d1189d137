"""Reads the whole log and verifies it against earlier checkpoints.

Needs no key and trusts nothing in the database. Assumes only that the checkpoints were stored where
nobody who may have changed the log can reach them. With the keys it also verifies that entries that
are not in a checkpoint yet are neither missing nor changed (:mod:`vault.audit.completeness`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from storage.statement_timeout import remove_statement_timeout
from vault.audit import log_state, merkle, sequencer
from vault.audit.completeness import CompletenessCheck, LostWriter
from vault.audit.entry_encoding import ALL_COLUMNS, EntryColumns, encode_entry
from vault.audit.merkle import Frontier, leaf_hash
from vault.audit.models import AuditRun, AuditState
from vault.audit.row_macs import LogTampered
from vault.audit.signed_notes import Checkpoint
from vault.audit.tiles import TILE_WIDTH, Tiles
from vault.keys import keyring
from vault.models import AuditEntry

_ENTRY = AuditEntry.__table__  # type: ignore[attr-defined]
_CHUNK = 10_000


@dataclass(frozen=True)
class VerificationResult:
    """The result of a verification. ``bad`` is a sentence about what is wrong, empty if nothing is;
    ``size`` entries are in the log, of which ``covered`` are attested by a checkpoint; ``ends`` are
    processes that stopped without their last heartbeat."""

    size: int
    covered: int
    bad: str = ""
    ends: tuple[LostWriter, ...] = ()


class _LogFault(Exception):
    pass


@dataclass
class _EntryReader:
    """Reads the entries in the order of the log."""

    session: Session
    progress: Callable[[int], None]
    size: int
    marks: CompletenessCheck | None = None
    place: int = 0
    #: The first entry whose hash differs from the one in the stored tree.
    differs: str = ""
    #: What is wrong with the first entry that differs from what its writer wrote.
    unlike: str = ""

    def read_entry_hashes(self) -> Iterator[bytes]:
        """Yield the current hash of each entry."""
        tiles = Tiles(self.session)
        stored: list[bytes] = []
        for row_id, leaf in self._read_leaves_in_order():
            at = self.place % TILE_WIDTH
            if at == 0:
                stored = tiles.read_leaf_hashes(self.place // TILE_WIDTH)
            if not self.differs and stored[at : at + 1] != [leaf]:
                self.differs = f"entry {row_id} (place {self.place})"
            self.place += 1
            yield leaf

    def _read_leaves_in_order(self) -> Iterator[tuple[int, bytes]]:
        place = 0
        for run in self._read_runs():
            if run.place != place or run.count < 1:
                raise _LogFault(f"The order of the log is broken at place {place}.")
            count = min(run.count, self.size - place)  # the log may have grown while we read
            for begin in range(run.first_id, run.first_id + count, _CHUNK):
                end = min(begin + _CHUNK, run.first_id + count)
                yield from self._read_entry_leaves(begin, end)
                self.progress(end - begin)
            place += count
            if place >= self.size:
                return

    def _read_runs(self) -> Iterator[AuditRun]:
        after = -1
        while True:
            rows = self.session.exec(
                select(AuditRun)
                .where(col(AuditRun.place) > after)
                .order_by(col(AuditRun.place))
                .limit(_CHUNK)
            ).all()
            yield from rows
            if len(rows) < _CHUNK:
                return
            after = rows[-1].place
            self.session.expunge_all()

    def check_against_writer(self, row: EntryColumns) -> None:
        """Check an entry against its writer. Faults found here are reported after those of the
        tree, which are more specific."""
        if self.marks is not None and not self.unlike:
            try:
                self.marks.check_entry(row)
            except LogTampered as error:
                self.unlike = str(error)

    def _read_entry_leaves(self, begin: int, end: int) -> Iterator[tuple[int, bytes]]:
        columns = [_ENTRY.c[name] for name in ALL_COLUMNS]
        statement = (
            select_columns(*columns)
            .where(_ENTRY.c.id >= begin, _ENTRY.c.id < end)
            .order_by(_ENTRY.c.id)
        )
        expected = begin
        try:
            for row in self.session.connection().execute(statement).mappings():
                if row["id"] != expected:
                    break
                yield row["id"], leaf_hash(encode_entry(row))
                expected += 1
                if self.marks is not None:
                    self.check_against_writer(row)
        except (
            ValueError,
            TypeError,
            AttributeError,
        ):  # a value that no column of that type can hold
            raise _LogFault(f"Entry {expected} (place {self.place}) cannot be read.") from None
        if expected != end:
            raise _LogFault(f"Entry {expected} (place {self.place}) is gone.")


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
        reader = _EntryReader(session, progress, size, marks)
        covered = _compare_with_checkpoints(reader, wanted, size)
        _require_no_foreign_entries(session)
        if marks is not None:
            _require_completeness(reader, marks, now)
    except (_LogFault, LogTampered) as bad:
        return VerificationResult(size, 0, str(bad))
    return VerificationResult(
        size, covered, ends=tuple(marks.find_lost_writers(now)) if marks else ()
    )


def _make_completeness_check(session: Session) -> CompletenessCheck | None:
    if not keyring.has_keyring(session):
        return None
    return CompletenessCheck(session)


def _require_completeness(
    reader: _EntryReader, marks: CompletenessCheck, now: datetime | None
) -> None:
    """Raise if anything is wrong with entries that are not in the tree yet, with writers, or with
    the state of the log."""
    session = reader.session
    fault = log_state.find_state_fault(session, now, sequencer.SETTLES_AFTER)
    if fault:
        raise _LogFault(fault)
    try:
        for row in sequencer.read_unsequenced_entries(session):
            reader.check_against_writer(row)
    except (ValueError, TypeError, AttributeError):
        raise _LogFault("An entry that has no place yet cannot be read.") from None
    bad = reader.unlike or marks.describe_missing_entries()
    if bad:
        raise _LogFault(bad)


def _compare_with_checkpoints(reader: _EntryReader, wanted: Sequence[Checkpoint], size: int) -> int:
    frontier, good = Frontier(), 0
    left = list(wanted)
    _compare_at_checkpoint(reader, frontier, left, good)
    for leaf in reader.read_entry_hashes():
        frontier.append_leaf(leaf)
        good = _compare_at_checkpoint(reader, frontier, left, good)
    if frontier.size != size:
        raise _LogFault(f"The log says {size} entries and holds {frontier.size}.")
    if left:
        raise _LogFault(
            f"The log was cut: a checkpoint tells of {left[-1].size} entries, there are"
            f" {size}. {_describe_first_bad_entry(reader)}".strip()
        )
    if reader.differs:
        raise _LogFault(f"The first bad entry: {reader.differs}.")
    return good


def _compare_at_checkpoint(
    reader: _EntryReader, frontier: Frontier, left: list[Checkpoint], good: int
) -> int:
    while left and left[0].size == frontier.size:
        if left[0].root != frontier.root:
            raise _LogFault(
                f"The first {frontier.size} entries are not those of the checkpoint."
                f" {_locate_first_fault(reader, left[0], good)}"
            )
        good = left.pop(0).size
    return good


def _locate_first_fault(reader: _EntryReader, checkpoint: Checkpoint, good: int) -> str:
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


def _describe_first_bad_entry(reader: _EntryReader) -> str:
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
        select_columns(func.count()).select_from(_ENTRY).where(_ENTRY.c.id <= settled)
    )
    more = count.scalar_one() - known
    if more > 0:
        raise _LogFault(f"{more} entries stand in the table that the log does not know.")
