"""``python -m tests.scheduling.state_diagram``: draws the table of states into
``docs/supervisors/scheduling.md``."""

from __future__ import annotations

import re
from pathlib import Path

from scheduling.states import TRANSITIONS, CallbackState

PAGE = Path(__file__).resolve().parents[2] / "docs" / "supervisors" / "scheduling.md"
_BLOCK = re.compile(r"```mermaid\n.*?```\n", re.DOTALL)


def drawn() -> str:
    """The table as a Mermaid diagram, which code hosts show as a picture."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {CallbackState.BOOKED}"]
    lines += [
        f"    {one} --> {other}"
        for one in CallbackState
        for other in CallbackState
        if other in TRANSITIONS[one]
    ]
    lines += [f"    {one} --> [*]" for one in CallbackState if not TRANSITIONS[one]]
    return "\n".join([*lines, "```", ""])


def in_docs() -> str:
    """What the page shows."""
    found = _BLOCK.search(PAGE.read_text())
    return found[0] if found else ""


if __name__ == "__main__":
    PAGE.write_text(_BLOCK.sub(lambda _: drawn(), PAGE.read_text()))
