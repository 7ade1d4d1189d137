"""The table."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version

from bench import mix
from bench.database import FLOOR, LARGE, OURS, Result
from bench.options import Options
from bench.rounds import Figures, ratio

TARGET = 0.6
_NAMES = {
    FLOOR: "floor, same requests",
    OURS: "**ours, the mix**",
    "nobody": "ours, numbers nobody is calling",
    "wrong": "ours, wrong codes at live calls",
    "genuine": "ours, right codes that confirm",
    LARGE: "ours, the mix, large store",
}


def text(results: Mapping[str, Result], options: Options) -> str:
    """All that was found, as Markdown."""
    parts = [_head(options)]
    parts += [_database(result, options) for result in results.values()]
    return "\n\n".join(parts) + "\n"


def _head(options: Options) -> str:
    shares = ", ".join(f"{share} % {kind}" for kind, share in mix.HEADLINE.items())
    return f"""# The check over HTTP, measured

`make bench`, {datetime.now(UTC):%d %B %Y}, {os.cpu_count()} cores ({platform.machine()}), \
Python {platform.python_version()}, {options.server} {version(options.server)} with \
{options.workers} worker(s) of {options.threads} threads.

`POST /api/v1/checks` on the production server with all rules on (limits, audit, tries counted, \
each commit durable), beside a floor on the same server: a bare Flask view with one keyed SELECT, \
one HOTP, one UPDATE and one INSERT on the raw driver. The mix is {shares}: numbers nobody is \
calling, wrong codes at live calls, right codes that confirm. {options.live:,} calls are going \
on; each check comes from an address of its own. Full load is {options.lines} connections that \
always have a check under way. Medians of {options.rounds} rounds of {options.seconds:g} s, the \
subjects in turn within each round; a ratio is the median of the rounds' ratios. The load is \
made on the same cores. Only ratios can be compared between runs."""


def _database(result: Result, options: Options) -> str:
    lines = [
        f"## {result.version}",
        f"Limits counted in {result.counted_in}. Small store: {options.small:,} customers and"
        f" callbacks; large: {options.large:,}.",
        "",
        "| full load | checks/s | of the floor | p50 ms | p95 ms | p99 ms |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    floor = result.full[FLOOR]
    lines += [_row(_NAMES[name], each, floor) for name, each in result.full.items()]
    lines += [
        "",
        "| 70 % of its own full load | checks/s | p50 ms | p95 ms | p99 ms |",
        "|---|---:|---:|---:|---:|",
    ]
    lines += [_paced(_NAMES[name], each) for name, each in result.paced.items()]
    return "\n".join([*lines, "", *_verdict(result)])


def _row(name: str, figures: Figures, floor: Figures) -> str:
    milliseconds = " | ".join(f"{figures.at(p):.1f}" for p in (50, 95, 99))
    share = ratio(figures, floor)
    return f"| {name} | {figures.typical:,.0f} | {share:.2f} | {milliseconds} |"


def _paced(name: str, figures: Figures) -> str:
    milliseconds = " | ".join(f"{figures.at(p):.1f}" for p in (50, 95, 99))
    return f"| {name} | {figures.typical:,.0f} | {milliseconds} |"


def _verdict(result: Result) -> list[str]:
    share = ratio(result.full[OURS], result.full[FLOOR])
    reached = "reached" if share >= TARGET else "missed"
    found = [f"- Ours is at {share:.2f} of the floor (target {TARGET}): {reached}."]
    if LARGE in result.full:
        size = ratio(result.full[LARGE], result.full[OURS])
        found.append(
            f"- The large store serves {size:.2f} of what the small one does (target 0.9)."
        )
    core = max(each.core_share for each in result.full.values())
    found.append(f"- Making the load took {core:.0%} of one core at the most.")
    return found
