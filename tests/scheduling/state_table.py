"""``python -m tests.scheduling.state_table``: writes the table of states into
``docs/supervisors/scheduling.md``."""

from __future__ import annotations

import re
from pathlib import Path

from scheduling.states import TRANSITIONS, CallbackState

PAGE = Path(__file__).resolve().parents[2] / "docs" / "supervisors" / "scheduling.md"
_HEAD = "| state | can become |\n|---|---|\n"
_BLOCK = re.compile(re.escape(_HEAD) + r"(?:\|.*\n)*")


def expected_table() -> str:
    """The table of allowed transitions, as Markdown."""
    rows = [
        (one, ", ".join(other for other in CallbackState if other in TRANSITIONS[one]))
        for one in CallbackState
    ]
    return _HEAD + "".join(f"| {one} | {others or 'nothing else'} |\n" for one, others in rows)


def documented_table() -> str:
    """The table that the page shows."""
    found = _BLOCK.search(PAGE.read_text())
    return found[0] if found else ""


if __name__ == "__main__":
    PAGE.write_text(_BLOCK.sub(lambda _: expected_table(), PAGE.read_text()))
