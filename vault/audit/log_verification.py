"""Reads the whole log and says whether it is the one that earlier checkpoints tell of.

This needs no key and trusts nothing in the store. It assumes only that the checkpoints were kept
out of reach of anybody who may have changed the log. With the keys it also says whether entries
that are in no checkpoint yet are missing or were changed (:mod:`vault.audit.audit_log.completeness`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from storage.statement_timeout import take_time
from vault.audit import log_state, merkle, sequencer
from vault.audit.completeness import End, Marks
from vault.audit.entry_encoding import ALL, Columns, encoded
from vault.audit.merkle import Frontier, leaf_hash
from vault.audit.models import AuditRun, AuditState
from vault.audit.row_macs import LogTampered
from vault.audit.signed_notes import Checkpoint
from vault.audit.tiles import WIDTH, Tiles
from vault.keys import keyring
from vault.models import AuditEntry

_ENTRY = AuditEntry.__table__  # type: ignore[attr-defined]
_CHUNK = 10_000


@dataclass(frozen=True)
class Found:
    """What a verification found. ``bad`` is a sentence for what is wrong, empty when nothing is;
    ``size`` entries are in the log, of which ``covered`` are vouched for by a checkpoint; ``ends``
    are those of processes that stopped without their last word."""

    size: int
    covered: int
    bad: str = ""
    ends: tuple[End, ...] = ()


class _Bad(Exception):
    pass


@dataclass
class _Reader:
    """Goes through the entries in the order of the log."""

    session: Session
    progress: Callable[[int], None]
    size: int
    marks: Marks | None = None
    place: int = 0
    #: The first entry whose hash is not the one in the store's tree.
    differs: str = ""
    #: What is wrong with the first entry that is not as its writer left it.
    unlike: str = ""

    def hashes(self) -> Iterator[bytes]:
        """The hash of each entry as it is now."""
        tiles = Tiles(self.session)
        stored: list[bytes] = []
        for row_id, leaf in self._leaves():
            at = self.place % WIDTH
            if at == 0:
                stored = tiles.leaves(self.place // WIDTH)
            if not self.differs and stored[at : at + 1] != [leaf]:
                self.differs = f"entry {row_id} (place {self.place})"
            self.place += 1
            yield leaf

    def _leaves(self) -> Iterator[tuple[int, bytes]]:
        place = 0
        for run in self._runs():
            if run.place != place or run.count < 1:
                raise _Bad(f"The order of the log is broken at place {place}.")
            count = min(run.count, self.size - place)  # it may have grown while we read
            for begin in range(run.first_id, run.first_id + count, _CHUNK):
                end = min(begin + _CHUNK, run.first_id + count)
                yield from self._entries(begin, end)
                self.progress(end - begin)
            place += count
            if place >= self.size:
                return

    def _runs(self) -> Iterator[AuditRun]:
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

    def notice(self, row: Columns) -> None:
        """Hold an entry against its writer. What is wrong with it is said after what is wrong with
        the tree, which knows more."""
        if self.marks is not None and not self.unlike:
            try:
                self.marks.see(row)
            except LogTampered as error:
                self.unlike = str(error)

    def _entries(self, begin: int, end: int) -> Iterator[tuple[int, bytes]]:
        columns = [_ENTRY.c[name] for name in ALL]
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
                yield row["id"], leaf_hash(encoded(row))
                expected += 1
                if self.marks is not None:
                    self.notice(row)
        except (ValueError, TypeError, AttributeError):  # what no column of that kind can hold
            raise _Bad(f"Entry {expected} (place {self.place}) cannot be read.") from None
        if expected != end:
            raise _Bad(f"Entry {expected} (place {self.place}) is gone.")


def verify(
    session: Session,
    checkpoints: Sequence[Checkpoint],
    progress: Callable[[int], None] = lambda _: None,
    now: datetime | None = None,
) -> Found:
    """Hold the log against earlier checkpoints, in any order. ``progress`` is told of entries as
    they are read.

    Where the session carries the keys, everything is looked at: also entries that have no place
    yet, those that are missing, and what the log keeps about itself.
    """
    take_time(session)
    wanted = sorted(checkpoints, key=lambda each: each.size)
    size = 0
    try:
        marks = _marks(session)  # writers are asked before anything is read
        size = sequencer.size(session)
        reader = _Reader(session, progress, size, marks)
        covered = _compared(reader, wanted, size)
        _require_no_strangers(session)
        if marks is not None:
            _require_all(reader, marks, now)
    except (_Bad, LogTampered) as bad:
        return Found(size, 0, str(bad))
    return Found(size, covered, ends=tuple(marks.ends(now)) if marks else ())


def _marks(session: Session) -> Marks | None:
    if not keyring.is_carried(session):
        return None
    return Marks(session)


def _require_all(reader: _Reader, marks: Marks, now: datetime | None) -> None:
    """Raise what is wrong with the entries that are not in the tree yet, with writers, and with
    the state of the log."""
    session = reader.session
    fault = log_state.fault(session, now, sequencer.SETTLES_AFTER)
    if fault:
        raise _Bad(fault)
    try:
        for row in sequencer.waiting(session):
            reader.notice(row)
    except (ValueError, TypeError, AttributeError):
        raise _Bad("An entry that has no place yet cannot be read.") from None
    bad = reader.unlike or marks.missing()
    if bad:
        raise _Bad(bad)


def _compared(reader: _Reader, wanted: Sequence[Checkpoint], size: int) -> int:
    frontier, good = Frontier(), 0
    left = list(wanted)
    _at_checkpoint(reader, frontier, left, good)
    for leaf in reader.hashes():
        frontier.add(leaf)
        good = _at_checkpoint(reader, frontier, left, good)
    if frontier.size != size:
        raise _Bad(f"The log says {size} entries and holds {frontier.size}.")
    if left:
        raise _Bad(
            f"The log was cut: a checkpoint tells of {left[-1].size} entries, there are"
            f" {size}. {_blame(reader)}".strip()
        )
    if reader.differs:
        raise _Bad(f"The first bad entry: {reader.differs}.")
    return good


def _at_checkpoint(reader: _Reader, frontier: Frontier, left: list[Checkpoint], good: int) -> int:
    while left and left[0].size == frontier.size:
        if left[0].root != frontier.root:
            raise _Bad(
                f"The first {frontier.size} entries are not those of the checkpoint."
                f" {_where(reader, left[0], good)}"
            )
        good = left.pop(0).size
    return good


def _where(reader: _Reader, checkpoint: Checkpoint, good: int) -> str:
    """The first bad entry, where the store's tree is still the checkpoint's; otherwise the places
    between the last good checkpoint and this one."""
    if reader.differs and _tree_is(reader.session, checkpoint):
        return f"The first bad entry: {reader.differs}."
    return f"The first bad entry is at place {good} or after, and before {checkpoint.size}."


def _tree_is(session: Session, checkpoint: Checkpoint) -> bool:
    try:
        return merkle.root(Tiles(session), checkpoint.size) == checkpoint.root
    except KeyError:
        return False


def _blame(reader: _Reader) -> str:
    return f"The first bad entry: {reader.differs}." if reader.differs else ""


def _require_no_strangers(session: Session) -> None:
    """Entries that are settled (older than an hour) and not in the log were put there by hand."""
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
        raise _Bad(f"{more} entries stand in the table that the log does not know.")
