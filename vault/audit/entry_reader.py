"""Reads the entries of the log in order and compares each with the stored hashes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from vault.audit.completeness import CompletenessCheck
from vault.audit.entry_encoding import ALL_COLUMNS, EntryColumns, encode_entry
from vault.audit.merkle import leaf_hash
from vault.audit.models import AuditRun
from vault.audit.row_macs import LogTampered
from vault.audit.tiles import TILE_WIDTH, Tiles
from vault.models import AuditEntry

ENTRY = AuditEntry.__table__  # type: ignore[attr-defined]
_CHUNK = 10_000


class LogFault(Exception):
    """The log was changed; the message is a sentence about what is wrong."""


@dataclass
class EntryReader:
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
                raise LogFault(f"The order of the log is broken at place {place}.")
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
        columns = [ENTRY.c[name] for name in ALL_COLUMNS]
        statement = (
            select_columns(*columns)
            .where(ENTRY.c.id >= begin, ENTRY.c.id < end)
            .order_by(ENTRY.c.id)
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
            raise LogFault(f"Entry {expected} (place {self.place}) cannot be read.") from None
        if expected != end:
            raise LogFault(f"Entry {expected} (place {self.place}) is gone.")
