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

from vault.number_ranges import Ranges

#: The writers of this process, by their ids: what they know of themselves is newer than what the
#: store does, and nobody who has the store alone can change it.
LIVING: dict[int, Writer] = {}


@dataclass(frozen=True)
class Stand:
    """How far a writer is: ``number`` is the last that it gave out; those in ``open`` may or may
    not be there yet; those in ``void`` never will be, and no entry has told so yet."""

    number: int
    open: str
    void: str


class Writer:
    """One process that writes entries of one store."""

    def __init__(self) -> None:
        self.id = secrets.randbits(63)
        self.pid = os.getpid()
        self._lock = Lock()
        self._number = 0
        self._open, self._void = Ranges(), Ranges()
        self._telling: set[Taken] = set()
        LIVING[self.id] = self

    def take(self, count: int) -> Taken:
        """The next ``count`` numbers, and the void ones that the first of these entries tells."""
        with self._lock:
            taken = Taken(self, self._number + 1, count, self._void)
            self._number += count
            self._open.add(taken.first, taken.first + count)
            if self._void:
                self._void = Ranges()
                self._telling.add(taken)
            return taken

    def stand(self) -> Stand:
        """How far it is, at one moment."""
        with self._lock:
            void = Ranges(tuple(self._void))
            for taken in self._telling:
                for span in taken.void:
                    void.add(*span)
            return Stand(self._number, str(self._open), str(void))

    def settle(self, taken: Taken, kept: bool) -> None:
        """What became of numbers: committed, or rolled back. Once for each."""
        with self._lock:
            self._open.remove(taken.first, taken.first + taken.count)
            self._telling.discard(taken)
            if not kept:
                self._void.add(taken.first, taken.first + taken.count)
                for span in taken.void:
                    self._void.add(*span)


class Taken:
    """Numbers that were given out together; called once with whether they were committed."""

    __slots__ = ("_writer", "count", "first", "void")

    def __init__(self, writer: Writer, first: int, count: int, void: Ranges) -> None:
        self._writer, self.first, self.count, self.void = writer, first, count, void

    def __call__(self, kept: bool) -> None:
        self._writer.settle(self, kept)


os.register_at_fork(after_in_child=LIVING.clear)
