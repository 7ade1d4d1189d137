"""``make bench``: measure, print the table, keep it in ``bench/results.md``."""

from __future__ import annotations

import sys
from pathlib import Path

from bench import ceiling, database, options, postgres, report


def main() -> None:
    """Do it all; options as ``python -m bench --help`` says."""
    chosen = options.read()
    _say("load generator")
    most = ceiling.measure(chosen.lines)
    results = {
        kind: database.measure(kind, chosen, _say)
        for kind in chosen.databases
        if kind != "postgresql" or _there_is_postgresql()
    }
    text = report.text(results, chosen, most)
    print(text)
    if chosen.keep:
        (Path(__file__).parent / "results.md").write_text(text)


def _there_is_postgresql() -> bool:
    found = postgres.available()
    if not found:
        _say("postgresql: skipped, neither installed nor in the test requirements")
    return found


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
