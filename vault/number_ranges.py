"""Sets of mostly consecutive integers."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

Span = tuple[int, int]


class NumberRanges:
    """Integers as half-open spans ``begin`` to ``end``; compact however many there are, as long as
    they have few gaps."""

    def __init__(self, spans: Iterator[Span] | tuple[Span, ...] = ()) -> None:
        self._begins: list[int] = []
        self._ends: list[int] = []
        for begin, end in spans:
            self.add_span(begin, end)

    def __iter__(self) -> Iterator[Span]:
        return iter(list(zip(self._begins, self._ends, strict=True)))

    def __bool__(self) -> bool:
        return bool(self._begins)

    @property
    def last(self) -> int:
        """The highest number, 0 if empty."""
        return self._ends[-1] - 1 if self._ends else 0

    def add_span(self, begin: int, end: int) -> None:
        """Add the numbers of a span."""
        if self._ends and self._ends[-1] == begin:
            self._ends[-1] = end
            return
        low, high = bisect_left(self._ends, begin), bisect_right(self._begins, end)
        if low < high:
            begin, end = min(begin, self._begins[low]), max(end, self._ends[high - 1])
        self._begins[low:high], self._ends[low:high] = [begin], [end]

    def remove_span(self, begin: int, end: int) -> None:
        """Remove the numbers of a span."""
        low, high = bisect_right(self._ends, begin), bisect_left(self._begins, end)
        if low >= high:
            return
        before, after = (self._begins[low], begin), (end, self._ends[high - 1])
        left = [span for span in (before, after) if span[0] < span[1]]
        self._begins[low:high] = [bound for bound, _ in left]
        self._ends[low:high] = [bound for _, bound in left]

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._begins, number) - 1
        return at >= 0 and number < self._ends[at]

    def __str__(self) -> str:
        """Return the ranges as ``3 7-9``."""
        return " ".join(f"{b}" if b + 1 == e else f"{b}-{e - 1}" for b, e in self)


def parse_number_ranges(text: str) -> NumberRanges:
    """Parse the output of ``str``. Raises ``ValueError``."""
    ranges = NumberRanges()
    for part in text.split():
        first, _, last = part.partition("-")
        ranges.add_span(int(first), int(last or first) + 1)
    return ranges
