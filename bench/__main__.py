"""``make bench``: measures, prints the table, and writes it to ``bench/results.md``."""

from __future__ import annotations

import sys
from pathlib import Path

from bench import database, load_generator_limit, options, report
from tests.servers import Missing


def main() -> None:
    """Run the benchmark; ``python -m bench --help`` lists the options."""
    chosen = options.read()
    _say("load generator")
    most = load_generator_limit.measure(chosen.lines)
    results = {}
    for kind in chosen.databases:
        try:
            results[kind] = database.measure(kind, chosen, _say)
        except Missing as missing:
            _say(f"{kind} skipped: {missing}")
    text = report.text(results, chosen, most)
    print(text)
    if chosen.keep:
        (Path(__file__).parent / "results.md").write_text(text)


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
