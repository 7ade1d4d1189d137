"""Checks entries against their writers: each is as it was written, and none is missing.

A writer's numbers have no gaps except those that it declares void. It reports its position every
half minute and at its end (:mod:`vault.audit.heartbeats`), so that removing the last entries is
detected too. Needs the key, and so is not part of what an auditor with a checkpoint does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hmac import compare_digest

from sqlmodel import Session, select

from vault.audit import log_state, row_macs
from vault.audit.entry_encoding import EntryColumns, encode_entry_for_mac
from vault.audit.models import AuditWriter
from vault.audit.row_macs import LogTampered
from vault.audit_writers import ACTIVE_WRITERS, WriterPosition
from vault.keys import keyring
from vault.number_ranges import NumberRanges, parse_number_ranges

ALIVE, ENDED, LOST = "alive", "ended", "lost"
#: A writer that has not reported for this long has ended.
SILENT_AFTER = timedelta(minutes=3)
WRITER_ROW_CHANGED = "What a process said of its entries was changed by somebody without the key."


@dataclass
class _SeenEntries:
    """What a writer's entries show about it."""

    numbers: NumberRanges = field(default_factory=NumberRanges)
    void: NumberRanges = field(default_factory=NumberRanges)
    at: datetime | None = None


@dataclass(frozen=True)
class LostWriter:
    """An unexplained end: a process that stopped without its last heartbeat, after ``since``.
    Entries that it wrote within half a minute of that may be missing."""

    writer: int
    kind: str
    since: datetime
    #: Whether an entry of the log records it.
    told: bool

    @property
    def sentence(self) -> str:
        until = self.since + timedelta(minutes=1)
        return (
            f"A process ({self.kind}, {self.writer:016x}) ended without its last word after"
            f" {self.since:%Y-%m-%d %H:%M:%S} UTC: its entries until {until:%H:%M:%S} may be"
            " incomplete."
        )


class CompletenessCheck:
    """Checks entries in any order, and reports at the end what is wrong with their writers.

    Create it before the entries are read: the writers' reports must not be newer than the entries.
    """

    def __init__(self, session: Session) -> None:
        self._ring = keyring.current_keyring(session)
        self._known: dict[int, _SeenEntries] = {}
        self._rows: dict[int, AuditWriter] = {}
        self._memory: dict[int, WriterPosition] = {}
        self._own: int | None = None
        self.load_writer_positions(session)
        self._unmarked_id = log_state.last_unmarked_id(session)

    def load_writer_positions(self, session: Session) -> None:
        """Load the positions of all writers. Raises :class:`LogTampered`."""
        own = self._ring.find_entry_writer()
        self._own = own.id if own else None
        self._memory = {
            each: writer.current_position() for each, writer in dict(ACTIVE_WRITERS).items()
        }
        try:
            rows = session.exec(select(AuditWriter).execution_options(populate_existing=True)).all()
        except (ValueError, TypeError):
            raise LogTampered(WRITER_ROW_CHANGED) from None
        for row in rows:
            row_macs.require_valid_row_mac(session, row, WRITER_ROW_CHANGED)
        self._rows = {row.id: row for row in rows}

    @property
    def rows(self) -> dict[int, AuditWriter]:
        """The writers' reports in the database."""
        return self._rows

    def check_entry(self, row: EntryColumns, *, again: bool = False) -> None:
        """Check one entry. Raises :class:`LogTampered` if it was changed or occurs twice; ``again``
        says that it may have been seen before."""
        if row["mark"] is None:
            if row["id"] > self._unmarked_id:
                raise LogTampered(f"Entry {row['id']} carries no mark: it was not written by us.")
            return
        if not self._has_valid_entry_mac(row):
            raise LogTampered(f"Entry {row['id']} is not as it was written: its mark is wrong.")
        known, number = self._known.setdefault(row["writer"], _SeenEntries()), row["number"]
        if not again and number in known.numbers:
            raise LogTampered(f"Entry {row['id']} is there twice.")
        known.numbers.add_span(number, number + 1)
        if row["void"]:
            for span in parse_number_ranges(row["void"]):
                known.void.add_span(*span)
        if known.at is None or row["at"] > known.at:
            known.at = row["at"]

    def _has_valid_entry_mac(self, row: EntryColumns) -> bool:
        try:
            return compare_digest(
                row["mark"],
                self._ring.mac_for_purpose(keyring.AUDIT_WRITER, encode_entry_for_mac(row)),
            )
        except (TypeError, ValueError, AttributeError):  # what no column of that kind can hold
            return False

    def assume_earlier_complete(self) -> None:
        """Expect nothing from before each writer's first entry seen: for checks of the end of the
        log alone."""
        for item in {*self._known, *self._rows}:
            numbers = self._known.setdefault(item, _SeenEntries()).numbers
            first = next(iter(numbers), (self._reported_position(item).number + 1, 0))[0]
            if first > 1:
                numbers.add_span(1, first)

    def describe_missing_entries(self) -> str:
        """Return a sentence about the first committed entries that are missing, or an empty
        string."""
        for item in {*self._known, *self._rows, *([self._own] if self._own else [])}:
            gone = self._missing_numbers(item)
            if gone:
                count = sum(end - begin for begin, end in gone)
                return (
                    f"{count} {'entry is' if count == 1 else 'entries are'} missing that a process"
                    f" ({self._writer_kind(item)}, {item:016x}) has written: its number {gone}."
                )
        return ""

    def _missing_numbers(self, writer: int) -> NumberRanges:
        said, known = self._reported_position(writer), self._known.get(writer, _SeenEntries())
        wanted = NumberRanges(((1, said.number + 1),) if said.number else ())
        there: Sequence[Iterable[tuple[int, int]]] = (
            *(known.numbers, known.void),
            *(parse_number_ranges(said.open), parse_number_ranges(said.void)),
        )
        for spans in there:
            for span in spans:
                wanted.remove_span(*span)
        return wanted

    def _reported_position(self, writer: int) -> WriterPosition:
        """Return a writer's position: from memory, if it is of this process."""
        stand = self._memory.get(writer)
        if stand is not None:
            return stand
        row = self._rows.get(writer)
        return WriterPosition(row.number, row.open, row.void) if row else WriterPosition(0, "", "")

    def _writer_kind(self, writer: int) -> str:
        row = self._rows.get(writer)
        return row.kind if row else "unknown"

    def find_lost_writers(self, now: datetime | None = None) -> list[LostWriter]:
        """Return the unexplained ends; judged at ``now``, or by default at the latest time reported
        anywhere."""
        times = [value.at for value in self._known.values() if value.at]
        latest = now or max([*times, *(row.at for row in self._rows.values())], default=None)
        lost = []
        for writer_id in {*self._known, *self._rows} - set(self._memory):
            row, known = self._rows.get(writer_id), self._known.get(writer_id)
            last_heard = row.at if row else known.at if known else None
            if (row is not None and row.state == ENDED) or last_heard is None or latest is None:
                continue
            recorded = row is not None and row.state == LOST
            if recorded or latest - last_heard > SILENT_AFTER:
                lost.append(
                    LostWriter(writer_id, row.kind if row else "unknown", last_heard, recorded)
                )
        return sorted(lost, key=lambda each: each.since)
