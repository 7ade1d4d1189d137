"""The report of the benchmark as Markdown."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median

from bench import request_mix
from bench.database import FLOOR, GUNICORN, LARGE, OURS, Result
from bench.measurement_rounds import Figures, ratios
from bench.options import Options

TARGET, RATE, SLOWEST_MS, SIZE = 0.6, 1_400, 50, 0.9
_VERSIONS = ("granian", "Flask", "SQLAlchemy", "psycopg", "cryptography")
_NAMES = {
    FLOOR: "floor, same requests",
    OURS: "**ours, the mix**",
    "nobody": "ours, numbers nobody is calling",
    "wrong": "ours, wrong codes at live calls",
    "genuine": "ours, right codes that confirm",
    GUNICORN: "ours, the mix, on gunicorn",
    LARGE: "ours, the mix, large store",
}


def text(results: Mapping[str, Result], options: Options, most: float) -> str:
    """Return the report. ``most`` is the limit of the load generator in checks per second."""
    parts = [_head(options, most)]
    parts += [_database(result, options) for result in results.values()]
    return "\n\n".join(parts) + "\n"


def _head(options: Options, most: float) -> str:
    shares = ", ".join(f"{share} % {kind}" for kind, share in request_mix.HEADLINE.items())
    arguments = f' ARGS="{" ".join(sys.argv[1:])}"' if sys.argv[1:] else ""
    versions = ", ".join(f"{name} {version(name)}" for name in _VERSIONS)
    return f"""# The check over HTTP, measured

`make bench{arguments}`, {datetime.now(UTC):%d %B %Y}. {os.cpu_count()} cores ({_processor()}), \
load average {os.getloadavg()[2]:.1f} over a quarter of an hour. \
Python {platform.python_version()}, {versions}.

`POST /api/v1/checks` on the production server (granian, {options.workers} worker(s) of \
{options.threads} threads) with all rules on: limits, audit, tries counted. Beside it a floor on \
the same server and settings: a bare Flask view with one keyed SELECT, one HOTP, one UPDATE and \
one INSERT on the raw driver. Both wait for the disk at each commit (SQLite: write-ahead log, \
`synchronous = FULL`; PostgreSQL: `fsync` and `synchronous_commit` on); on SQLite, ours lets \
checks that come at once share that wait, which the floor does not. The mix is {shares}: \
numbers nobody is calling, wrong codes at live calls, right codes that confirm. {options.live:,} \
calls are going on; each check comes through a trusted proxy from an address of its own, so that \
limits are counted and refuse nobody. Full load is {options.lines} connections that always have \
a check under way.

Medians of {options.rounds} rounds of {options.seconds:g} s, the subjects in turn within each \
round, every other round in reverse; in brackets the lowest and highest round. A ratio is the \
median of the rounds' ratios. The load is made on the same cores; the generator can do \
{most:,.0f} a second. Only ratios can be compared between runs."""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _database(result: Result, options: Options) -> str:
    lines = [
        f"## {result.version}",
        "",
        f"Limits counted in {result.counted_in}. Small store: {options.small:,} customers and"
        f" callbacks; large: {options.large:,}.",
        "",
        "| full load | checks/s | of the floor | p50 ms | p99 ms |",
        "|---|---:|---:|---:|---:|",
    ]
    floor = result.full[FLOOR]
    lines += [_row(_NAMES[name], figures, floor) for name, figures in result.full.items()]
    lines += [
        "",
        "| 70 % of its own full load | checks/s | p50 ms | p99 ms |",
        "|---|---:|---:|---:|",
    ]
    lines += [_paced(_NAMES[name], figures) for name, figures in result.paced.items()]
    return "\n".join([*lines, "", *_verdict(result)])


def _row(name: str, figures: Figures, floor: Figures) -> str:
    shares = ratios(figures, floor)
    return (
        f"| {name} | {_spread(figures.per_second, ',.0f')} | {_spread(shares, '.2f')}"
        f" | {figures.at(50):.1f} | {_spread(figures.percentiles[99], '.0f')} |"
    )


def _paced(name: str, figures: Figures) -> str:
    return (
        f"| {name} | {figures.typical:,.0f} | {figures.at(50):.1f}"
        f" | {_spread(figures.percentiles[99], '.0f')} |"
    )


def _spread(values: Sequence[float], form: str) -> str:
    return f"{median(values):{form}} ({min(values):{form}}–{max(values):{form}})"


def _verdict(result: Result) -> list[str]:
    ours, paced = result.full[OURS], result.paced[OURS]
    share = median(ratios(ours, result.full[FLOOR]))
    lines = [
        _aim("Of the floor", f"{share:.2f}", f"{TARGET}", share >= TARGET),
        _aim("Checks a second", f"{ours.typical:,.0f}", f"{RATE:,}", ours.typical >= RATE),
        _aim(
            "p99 at 70 % load",
            f"{paced.at(99):.0f} ms",
            f"under {SLOWEST_MS} ms",
            paced.at(99) < SLOWEST_MS,
        ),
    ]
    if LARGE in result.full:
        size = median(ratios(result.full[LARGE], ours))
        lines.append(_aim("Large store against small", f"{size:.2f}", f"{SIZE}", size >= SIZE))
    core = max(value.core_share for value in result.full.values())
    lines.append(f"- Making the load took at most {core:.0%} of one core.")
    return lines


def _aim(what: str, reached: str, target: str, is_met: bool) -> str:
    return f"- {what}: {reached}, target {target}: {'met' if is_met else 'missed'}."
