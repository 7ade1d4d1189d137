"""Alternating measurements, so that noise of the machine affects all subjects alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from statistics import median

from bench import load
from bench.load import Job, Outcome

#: Requests prepared for one measurement, in checks per second.
CEILING = 4_000
WARM_SECONDS = 1.0


@dataclass(frozen=True)
class Subject:
    """A subject of measurement: its port, its requests by count and round, and its preparation."""

    port: int
    requests: Callable[[int, int], list[bytes]]
    before: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Figures:
    """The figures of one subject, by round, in milliseconds and checks per second."""

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
    """Measure all subjects in each round, in reverse order every other round.

    ``rates`` paces each subject (checks per second); without it they run at full load.
    """
    outcomes_by_name: dict[str, list[Outcome]] = {name: [] for name in subjects}
    for turn in range(rounds):
        order = list(subjects)
        for name in order if turn % 2 == 0 else reversed(order):
            subject, rate = subjects[name], (rates or {}).get(name)
            count = int(seconds * (rate * 1.5 if rate else CEILING))
            subject.before()
            job = Job(subject.port, subject.requests(count, turn), lines, seconds, rate)
            outcomes_by_name[name].append(loader.submit(load.run, job).result())
    return {name: _figures(outcomes) for name, outcomes in outcomes_by_name.items()}


def warm_up(subjects: Mapping[str, Subject], loader: Executor, lines: int) -> None:
    """Warm up every server: imports, connections, and other one-time work."""
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
    """Return the value that ``percent`` of a hundred do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def ratios(of: Figures, to: Figures) -> list[float]:
    """Return the ratio of each round, whose two figures were measured side by side."""
    return [a / b for a, b in zip(of.per_second, to.per_second, strict=True)]
