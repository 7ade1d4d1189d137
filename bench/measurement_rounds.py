"""Measurements in alternation: what is noisy in the machine then strikes all alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from statistics import median

from bench import load
from bench.load import Job, Outcome

#: The most that is prepared for one measurement, in checks a second.
CEILING = 4_000
WARM_SECONDS = 1.0


@dataclass(frozen=True)
class Subject:
    """Something to be measured: which server, which checks (by round), what to do before."""

    port: int
    requests: Callable[[int, int], list[bytes]]
    before: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Figures:
    """Of all rounds of one subject, each round by itself; milliseconds and checks a second."""

    per_second: list[float]
    percentiles: dict[int, list[float]]
    answers: Counter[str]
    core_share: float

    @property
    def typical(self) -> float:
        return median(self.per_second)

    def at(self, percent: int) -> float:
        return median(self.percentiles[percent])


def alternate(
    subjects: Mapping[str, Subject],
    loader: Executor,
    *,
    rounds: int,
    seconds: float,
    lines: int,
    rates: Mapping[str, float] | None = None,
) -> dict[str, Figures]:
    """Measure all subjects in each round, every other round in reverse.

    ``rates`` paces each subject (checks a second); without it they run at full load.
    """
    found: dict[str, list[Outcome]] = {name: [] for name in subjects}
    for turn in range(rounds):
        order = list(subjects)
        for name in order if turn % 2 == 0 else reversed(order):
            subject, rate = subjects[name], (rates or {}).get(name)
            count = int(seconds * (rate * 1.5 if rate else CEILING))
            subject.before()
            job = Job(subject.port, subject.requests(count, turn), lines, seconds, rate)
            found[name].append(loader.submit(load.run, job).result())
    return {name: _figures(outcomes) for name, outcomes in found.items()}


def warm_up(subjects: Mapping[str, Subject], loader: Executor, lines: int) -> None:
    """Let every server import, connect and prepare what it does once."""
    distinct = {subject.port: subject for subject in subjects.values()}
    for subject in distinct.values():
        subject.before()
        job = Job(subject.port, subject.requests(CEILING, 99), lines, WARM_SECONDS)
        loader.submit(load.run, replace(job)).result()


def _figures(outcomes: Sequence[Outcome]) -> Figures:
    return Figures(
        per_second=[outcome.per_second for outcome in outcomes],
        percentiles={
            percent: [_percentile(outcome.milliseconds, percent) for outcome in outcomes]
            for percent in (50, 95, 99)
        },
        answers=sum((outcome.answers for outcome in outcomes), Counter()),
        core_share=median(outcome.core_share for outcome in outcomes),
    )


def _percentile(values: Sequence[float], percent: int) -> float:
    """The value that ``percent`` of a hundred do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def ratios(of: Figures, to: Figures) -> list[float]:
    """The ratio of each round, whose two figures were taken side by side."""
    return [a / b for a, b in zip(of.per_second, to.per_second, strict=True)]
