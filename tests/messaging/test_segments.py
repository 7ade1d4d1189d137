"""What a text costs: segments, at seven bits and at sixteen."""

from __future__ import annotations

import pytest

from messaging.segments import count_segments


@pytest.mark.parametrize(
    ("body", "segments"),
    [
        ("", 1),
        ("x" * 160, 1),
        ("x" * 161, 2),
        ("x" * 306, 2),
        ("x" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("ä" * 160, 1),
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("x" * 70 + "ж", 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("ж" * 134, 2),
        ("ж" * 135, 3),
    ],
)
def test_segments(body, segments):
    assert count_segments(body) == segments
