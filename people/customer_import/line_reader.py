"""Reads a file of any size line by line, and tracks the position."""

from __future__ import annotations

import codecs
import hashlib
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

from config.domain_errors import DomainError
from people.error_codes import PeopleErrorCode

#: The longest accepted line; the rest of a longer line is skipped.
MAX_LINE_BYTES = 64 * 1024


class UnreadableLine(DomainError):
    """A line of the file cannot be read."""


@dataclass(frozen=True)
class RawLine:
    """A line of the file. ``size`` is in bytes. ``data`` is ``None`` if the line is too long;
    ``digest`` replaces it."""

    number: int
    size: int
    data: bytes | None
    digest: bytes = b""


class LineReader:
    """Reads a file forward. A line counts as read once it is passed to :meth:`consume_lines`, so
    that lines that were only looked at can be pushed back."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._taken = 0
        self._given_back: deque[RawLine] = deque()
        self._hash = hashlib.sha256()
        self.position = 0
        self.line = 0

    @property
    def digest(self) -> str:
        """The SHA-256 of all that has been read, in hex."""
        return self._hash.hexdigest()

    def next_line(self) -> RawLine | None:
        """Return the next line, or ``None`` at the end."""
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
        """Push back lines that were taken, in order, so that they are returned again."""
        self._given_back.extendleft(reversed(list(lines)))

    def consume_lines(self, lines: Iterable[RawLine]) -> None:
        """Mark these lines as processed."""
        for line in lines:
            self._hash.update(line.digest if line.data is None else line.data)
            self.position += line.size
            self.line = line.number

    def skip_to_position(self, position: int) -> bool:
        """Read on to a position; return whether a line ends there."""
        while self.position < position:
            line = self.next_line()
            if line is None:
                return False
            self.consume_lines([line])
        return self.position == position


def decode_line(line: RawLine) -> str:
    """Decode a line as UTF-8 text, without a byte order mark at the start of the file.

    Raises :class:`UnreadableLine`.
    """
    if line.data is None:
        raise UnreadableLine(PeopleErrorCode.LINE_TOO_LONG, limit=MAX_LINE_BYTES)
    data = line.data.removeprefix(codecs.BOM_UTF8) if line.number == 1 else line.data
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise UnreadableLine(PeopleErrorCode.LINE_NOT_UTF8) from None
