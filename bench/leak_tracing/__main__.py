"""``make bench-tracing``: traces leaks at simulated companies with our method, the guilt model and
counting. Prints the figures and writes them, with two pictures, to ``docs``.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from bench.leak_tracing import pictures, report
from bench.leak_tracing.simulated_leaks import ASKED, SCENARIOS
from bench.leak_tracing.trials import Result, run

DOCS = Path(__file__).parents[2] / "docs"


def main() -> None:
    """Run the benchmark; ``--help`` lists the options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--companies", type=int, default=10_000, help="for what was asked for")
    parser.add_argument("--broken", type=int, default=2_000, help="for broken assumptions")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", nargs="*", choices=list(SCENARIOS), default=list(SCENARIOS))
    parser.add_argument("--keep", action=argparse.BooleanOptionalAction, default=True)
    chosen = parser.parse_args()
    results: dict[str, list[Result]] = {}
    begin = time.monotonic()
    for name in chosen.only:
        count = chosen.companies if name in ASKED else chosen.broken
        results[name] = run(name, count, chosen.processes)
        spent = time.monotonic() - begin
        print(f"{name}: {count} companies, {spent:.0f} s so far", file=sys.stderr, flush=True)
    text = report.text(results)
    print(text)
    if chosen.keep:
        (DOCS / "investigators" / "leak-tracing-figures.md").write_text(text)
        for name, picture in pictures.pictures(results).items():
            (DOCS / "pictures" / name).write_text(picture)


if __name__ == "__main__":
    main()
