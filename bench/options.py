"""Command-line options of the benchmark."""

from __future__ import annotations

import argparse
from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """``rounds`` of ``seconds`` each; sizes are numbers of customers, each with a past call."""

    databases: tuple[str, ...]
    gunicorn: str
    workers: int
    threads: int
    lines: int
    rounds: int
    seconds: float
    small: int
    large: int
    live: int
    keep: bool


def read(arguments: list[str] | None = None) -> Options:
    """Parse the command line; the defaults make a run of under four minutes."""
    parser = argparse.ArgumentParser("python -m bench", description="Vouchline's check, measured.")
    add = parser.add_argument
    add("--databases", default="sqlite,postgresql", help="which, parted by commas")
    add(
        "--gunicorn",
        default="",
        metavar="FOLDER",
        help="measure this server too, installed by pip install --target FOLDER gunicorn",
    )
    add("--workers", type=int, default=1, help="web processes")
    add("--threads", type=int, default=8, help="threads in each")
    add("--lines", type=int, default=16, help="connections that always have a check under way")
    add("--rounds", type=int, default=5, help="of floor, ours, floor, ours ...")
    add("--seconds", type=float, default=2.0, help="length of one measurement")
    add("--small", type=int, default=10_000, help="customers in the small store")
    add("--large", type=int, default=200_000, help="customers in the large one; 0 leaves it out")
    add("--live", type=int, default=2_000, help="calls in progress")
    add("--no-file", action="store_true", help="print only, leave bench/results.md as it is")
    parsed = parser.parse_args(arguments)
    return Options(
        databases=tuple(parsed.databases.split(",")),
        gunicorn=parsed.gunicorn,
        workers=parsed.workers,
        threads=parsed.threads,
        lines=parsed.lines,
        rounds=parsed.rounds,
        seconds=parsed.seconds,
        small=max(parsed.small, parsed.live * 2 + 2_000),
        large=parsed.large,
        live=parsed.live,
        keep=not parsed.no_file,
    )
