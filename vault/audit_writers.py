"""Gapless numbers for the audit entries of each process, so that a missing entry is found.

A transaction that is rolled back leaves a gap: its numbers are void, and the next committed entry
of the writer declares them. Nothing blocks: numbers are handed out at once, and the outcome is
known when their transaction ends (:mod:`storage.transaction_outcomes`).
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from threading import Lock

from vault.number_ranges import NumberRanges

#: The writers of this process by id. Their position here is newer than that in the database, and
#: somebody with access to the database alone cannot change it.
ACTIVE_WRITERS: dict[int, EntryWriter] = {}


@dataclass(frozen=True)
class WriterPosition:
    """The position of a writer: ``number`` is the last one handed out; entries in ``open`` may not
    be committed yet; those in ``void`` never will be, and no entry has declared it yet."""

    number: int
    open: str
    void: str


class EntryWriter:
    """A process that writes audit entries of one database."""

    def __init__(self) -> None:
        self.id = secrets.randbits(63)
        self.pid = os.getpid()
        self._lock = Lock()
        self._number = 0
        self._open, self._void = NumberRanges(), NumberRanges()
        self._telling: set[NumberBatch] = set()
        ACTIVE_WRITERS[self.id] = self

    def reserve_numbers(self, count: int) -> NumberBatch:
        """Return the next ``count`` numbers, and the void ones that the first of these entries
        declares."""
        with self._lock:
            batch = NumberBatch(self, self._number + 1, count, self._void)
            self._number += count
            self._open.add_span(batch.first, batch.first + count)
            if self._void:
                self._void = NumberRanges()
                self._telling.add(batch)
            return batch

    def current_position(self) -> WriterPosition:
        """Return a consistent snapshot of the position."""
        with self._lock:
            void = NumberRanges(tuple(self._void))
            for batch in self._telling:
                for span in batch.void:
                    void.add_span(*span)
            return WriterPosition(self._number, str(self._open), str(void))

    def settle_numbers(self, taken: NumberBatch, kept: bool) -> None:
        """Record whether numbers were committed or rolled back. Call once per batch."""
        with self._lock:
            self._open.remove_span(taken.first, taken.first + taken.count)
            self._telling.discard(taken)
            if not kept:
                self._void.add_span(taken.first, taken.first + taken.count)
                for span in taken.void:
                    self._void.add_span(*span)


class NumberBatch:
    """Numbers handed out together; called once with whether they were committed."""

    __slots__ = ("_writer", "count", "first", "void")

    def __init__(self, writer: EntryWriter, first: int, count: int, void: NumberRanges) -> None:
        self._writer, self.first, self.count, self.void = writer, first, count, void

    def __call__(self, kept: bool) -> None:
        self._writer.settle_numbers(self, kept)


os.register_at_fork(after_in_child=ACTIVE_WRITERS.clear)
