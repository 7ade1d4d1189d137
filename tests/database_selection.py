"""Which of both databases a test runs on.

Races, and tests whose result depends on the database (``pytest.mark.both``), always run on both; so
Races, and tests whose result depends on the database (``pytest.mark.both``), always run on both; so
fails. What another rule, a page or a command says does not differ by the database: each of these
tests runs on one of them, chosen by a hash of its name, so that each file is spread over both.
``--both`` (``make test-both``) runs all.
"""

from __future__ import annotations

from zlib import crc32

import pytest

KINDS = ("sqlite", "postgresql")
_RULES = "tests/security_rules"
ALWAYS_BOTH = (
    *("tests/storage/", "tests/vault/", f"{_RULES}/codes/", f"{_RULES}/vault/"),
    *(f"{_RULES}/insider/test_i6_", f"{_RULES}/availability/test_f1_"),
)


def left_out(item: pytest.Item) -> bool:
    """Whether it is the other database's turn."""
    params = getattr(getattr(item, "callspec", None), "params", {})
    marked = item.get_closest_marker("both") or item.get_closest_marker("campaign")
    if marked or item.nodeid.startswith(ALWAYS_BOTH):
        return False
    if params.get("database") not in KINDS:
        return False
    name = item.nodeid.replace("postgresql", "").replace("sqlite", "")
    return KINDS[crc32(name.encode()) % 2] != params["database"]
