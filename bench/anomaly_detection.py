"""``python -m bench.anomaly_detection``: honest shifts flagged and insiders found, on a labelled
simulation.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from statistics import median

from bench.anomaly_company import BEGIN, Act, Alarm, Honest, Style, Worker, honest, insider

HOUR = timedelta(hours=1)


def _spread(dice: Random, count: int, kind: str = "bare", begin: float = 0, hours: float = 8):
    return [
        (BEGIN + (begin + dice.uniform(0, hours)) * HOUR, kind, f"x{n}", True) for n in range(count)
    ]


def bulk(dice: Random, _who: Worker, day: int) -> list[Act]:
    """Take twenty-five in one hour, once: fewer than the budget stops."""
    return _spread(dice, 25, begin=dice.uniform(0, 7), hours=1) if day == 0 else []


def five_a_day(dice: Random, _who: Worker, _day: int) -> list[Act]:
    """Take five per shift beyond the work."""
    return _spread(dice, 5)


def one_an_hour(dice: Random, _who: Worker, _day: int) -> list[Act]:
    """Take one in each hour of the shift, for weeks."""
    return [(BEGIN + (n + dice.random()) * HOUR, "bare", f"x{n}", True) for n in range(8)]


def off_hours(dice: Random, _who: Worker, day: int) -> list[Act]:
    """Take five every other night."""
    return _spread(dice, 5, begin=14, hours=1) if day % 2 == 0 else []


def probing(dice: Random, _who: Worker, _day: int) -> list[Act]:
    """Look up ten numbers per shift that belong to no customer, to find out who is one."""
    return _spread(dice, 10, "missed")


def shams(dice: Random, _who: Worker, _day: int) -> list[Act]:
    """Make four bookings per shift to open the record, and cancel them within the hour."""
    return _spread(dice, 4, "sham", hours=7)


def ramp(dice: Random, _who: Worker, day: int) -> list[Act]:
    """Take a little more each day, so that it becomes usual, up to ten per shift."""
    return _spread(dice, min(10, day // 2))


def trickle(dice: Random, _who: Worker, _day: int) -> list[Act]:
    """Take one per shift, which is less than the detector promises to find."""
    return _spread(dice, 1)


STYLES: Mapping[str, tuple[Style, bool]] = {
    "25 in one hour, once": (bulk, False),
    "5 extra a day": (five_a_day, False),
    "one an hour, for weeks": (one_an_hour, False),
    "5 every other night": (off_hours, False),
    "10 probes a day": (probing, False),
    "4 sham bookings a day": (shams, False),
    "slow ramp to 10 a day": (ramp, False),
    "new, 5 extra a day": (five_a_day, True),
}
BEYOND: Mapping[str, tuple[Style, bool]] = {"1 extra a day": (trickle, False)}


@dataclass(frozen=True)
class Found:
    """How insiders of a style were found."""

    runs: int
    alarms: list[Alarm]
    days: list[int]

    @property
    def share(self) -> float:
        return len(self.alarms) / self.runs

    @property
    def slowest(self) -> timedelta:
        return max((alarm.after for alarm in self.alarms), default=timedelta())


def measure(style: Style, new: bool, company: Honest, runs: int, seed: int) -> Found:
    """Simulate ``runs`` insiders of one style, each with another seed."""
    alarms, days = [], []
    for run in range(runs):
        first, on, _ = insider(seed + run, style, company.priors, new=new)
        if first is not None:
            alarms.append(first)
            days.append(on)
    return Found(runs, alarms, days)


def table(company: Honest, found: Mapping[str, Found]) -> str:
    """Return the results as Markdown."""
    rate = company.flagged / company.shifts
    new, busy = (flagged / max(1, shifts) for shifts, flagged in (company.starters, company.busy))
    lines = [
        "# The watch, on a labelled simulation",
        "",
        "By `python -m bench.anomaly_detection`; the company is in `bench/anomaly_company.py`.",
        "",
        f"Honest shifts: {company.shifts:,}, flagged {company.flagged:,} ({rate:.2%}); of people in"
        f" their first four weeks {new:.2%}, on Mondays and in outages {busy:.2%}.",
        "",
        "| insider | found | records taken, median | 9th of 10 | shifts, median"
        " | longest after the act |",
        "|---|---|---|---|---|---|",
    ]
    for name, each in found.items():
        taken = sorted(alarm.taken for alarm in each.alarms)
        lines.append(
            f"| {name} | {each.share:.1%} of {each.runs} | {median(taken or [0]):.0f}"
            f" | {taken[int(len(taken) * 0.9)] if taken else 0} | {median(each.days or [0]):.0f}"
            f" | {each.slowest.total_seconds() / 60:.1f} min |"
        )
    promised = [each for name, each in found.items() if name in STYLES]
    whole = sum(len(item.alarms) for item in promised) / sum(item.runs for item in promised)
    lines += ["", f"All but the last line together: {whole:.1%} found within thirty shifts."]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print, and optionally write the results."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, default=200)
    options.add_argument("--days", type=int, default=120)
    options.add_argument("--runs", type=int, default=200)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--keep", action="store_true", help="write bench/results-watch.md")
    chosen = options.parse_args()
    company = honest(chosen.seed, chosen.people, chosen.days)
    print(f"honest: {company.flagged} of {company.shifts}", file=sys.stderr)
    results = {
        name: measure(style, new, company, chosen.runs, chosen.seed * 100_000)
        for name, (style, new) in {**STYLES, **BEYOND}.items()
    }
    text = table(company, results)
    print(text)
    if chosen.keep:
        (Path(__file__).parent / "results-watch.md").write_text(text)


if __name__ == "__main__":
    main()
