"""Each process numbers the entries that it writes, without a hole, so that a missing one is found.

A transaction that is rolled back leaves a hole: its numbers are void, and the next entry of the
writer that is committed says so. Nobody waits for anybody: numbers are given out at once, and what
becomes of them is learned when their transaction ends (:mod:`storage.transaction_outcomes`).
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from threading import Lock

from vault.number_ranges import NumberRanges

#: The writers of this process, by their ids: what they know of themselves is newer than what the
#: store does, and nobody who has the store alone can change it.
ACTIVE_WRITERS: dict[int, EntryWriter] = {}


@dataclass(frozen=True)
class WriterPosition:
    """How far a writer is: ``number`` is the last that it gave out; those in ``open`` may or may
    not be there yet; those in ``void`` never will be, and no entry has told so yet."""

    number: int
    open: str
    void: str


class EntryWriter:
    """One process that writes entries of one store."""

    def __init__(self) -> None:
        self.id = secrets.randbits(63)
        self.pid = os.getpid()
        self._lock = Lock()
        self._number = 0
        self._open, self._void = NumberRanges(), NumberRanges()
        self._telling: set[NumberBatch] = set()
        ACTIVE_WRITERS[self.id] = self

    def reserve_numbers(self, count: int) -> NumberBatch:
        """The next ``count`` numbers, and the void ones that the first of these entries tells."""
        with self._lock:
            taken = NumberBatch(self, self._number + 1, count, self._void)
            self._number += count
            self._open.add_span(taken.first, taken.first + count)
            if self._void:
                self._void = NumberRanges()
                self._telling.add(taken)
            return taken

    def current_position(self) -> WriterPosition:
        """How far it is, at one moment."""
        with self._lock:
            void = NumberRanges(tuple(self._void))
            for taken in self._telling:
                for span in taken.void:
                    void.add_span(*span)
            return WriterPosition(self._number, str(self._open), str(void))

    def settle_numbers(self, taken: NumberBatch, kept: bool) -> None:
        """What became of numbers: committed, or rolled back. Once for each."""
        with self._lock:
            self._open.remove_span(taken.first, taken.first + taken.count)
            self._telling.discard(taken)
            if not kept:
                self._void.add_span(taken.first, taken.first + taken.count)
                for span in taken.void:
                    self._void.add_span(*span)


class NumberBatch:
    """Numbers that were given out together; called once with whether they were committed."""

    __slots__ = ("_writer", "count", "first", "void")

    def __init__(self, writer: EntryWriter, first: int, count: int, void: NumberRanges) -> None:
        self._writer, self.first, self.count, self.void = writer, first, count, void

    def __call__(self, kept: bool) -> None:
        self._writer.settle_numbers(self, kept)


os.register_at_fork(after_in_child=ACTIVE_WRITERS.clear)
