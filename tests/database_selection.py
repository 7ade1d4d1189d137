"""Which of both databases a test of the channels runs on.

Rooms below the channels, every rule and every race run on both. What a page or a command says does
not differ by the database, and these are two in five of all tests: each runs on one of them, by
its name, so that each file is spread over both. ``--both`` runs all of it.
"""

from __future__ import annotations

from zlib import crc32

import pytest

KINDS = ("sqlite", "postgresql")


def left_out(item: pytest.Item) -> bool:
    """Whether it is the other database's turn."""
    params = getattr(getattr(item, "callspec", None), "params", {})
    if not item.nodeid.startswith("tests/channels/") or item.get_closest_marker("both"):
        return False
    if params.get("database") not in KINDS:
        return False
    name = item.nodeid.replace("postgresql", "").replace("sqlite", "")
    return KINDS[crc32(name.encode()) % 2] != params["database"]
