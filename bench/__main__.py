"""``make bench``: measure, print the table, keep it in ``bench/results.md``."""

from __future__ import annotations

import sys
from pathlib import Path

from bench import database, options, report


def main() -> None:
    """Do it all; options as ``python -m bench --help`` says."""
    chosen = options.read()
    results = {kind: database.measure(kind, chosen, _say) for kind in chosen.databases}
    text = report.text(results, chosen)
    print(text)
    if chosen.keep:
        (Path(__file__).parent / "results.md").write_text(text)


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
