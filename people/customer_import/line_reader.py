"""The lines of a file, one at a time, however large it is, and how far it has been read."""

from __future__ import annotations

import codecs
import hashlib
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

#: The longest line that is taken for one; the rest of a longer line is passed over.
MAX_LINE_BYTES = 64 * 1024


@dataclass(frozen=True)
class RawLine:
    """A line as it stands in the file. ``size`` is its length in bytes; ``data`` is none of one
    that is too long, and ``digest`` stands in for it."""

    number: int
    size: int
    data: bytes | None
    digest: bytes = b""


class LineReader:
    """Reads a file forward. A line counts as read once it is :meth:`pass_over`-ed, so that lines
    that were only looked at can be given back."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._taken = 0
        self._given_back: deque[RawLine] = deque()
        self._hash = hashlib.sha256()
        self.position = 0
        self.line = 0

    @property
    def digest(self) -> str:
        """A fingerprint of all that has been read."""
        return self._hash.hexdigest()

    def next_line(self) -> RawLine | None:
        """The next line, or none at the end."""
        if self._given_back:
            return self._given_back.popleft()
        data = self._file.readline(MAX_LINE_BYTES + 1)
        if not data:
            return None
        self._taken += 1
        if len(data) <= MAX_LINE_BYTES:
            return RawLine(self._taken, len(data), data)
        return self._read_long_line(data)

    def _read_long_line(self, data: bytes) -> RawLine:
        size, digest = 0, hashlib.sha256()
        while data:
            size += len(data)
            digest.update(data)
            data = b"" if data.endswith(b"\n") else self._file.readline(MAX_LINE_BYTES)
        return RawLine(self._taken, size, None, digest.digest())

    def push_back_lines(self, lines: Iterable[RawLine]) -> None:
        """Lines that were taken, in order, but are to be taken again."""
        self._given_back.extendleft(reversed(list(lines)))

    def consume_lines(self, lines: Iterable[RawLine]) -> None:
        """These lines are dealt with."""
        for line in lines:
            self._hash.update(line.digest if line.data is None else line.data)
            self.position += line.size
            self.line = line.number

    def skip_to_position(self, position: int) -> bool:
        """Read on to a position at which a line ends; false when none does there."""
        while self.position < position:
            line = self.next_line()
            if line is None:
                return False
            self.consume_lines([line])
        return self.position == position


def decode_line(line: RawLine) -> str:
    """A line as text, without the byte order mark that some programs begin a file with.

    Raises ``ValueError`` with a sentence.
    """
    if line.data is None:
        raise ValueError(f"The line is too long: use at most {MAX_LINE_BYTES:,} bytes.")
    data = line.data.removeprefix(codecs.BOM_UTF8) if line.number == 1 else line.data
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ValueError("The line is not UTF-8. Save the file as UTF-8.") from None
