"""Many companies, each traced report by report with every method."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from bench.competitors import Counting, Guilt
from bench.leak_tracing.company import DAYS
from bench.leak_tracing.simulated_leaks import SCENARIOS, Leak, drawn
from incidents.leak_tracing.ranking import LEADING_THRESHOLD, MIN_CUSTOMERS_SEEN
from incidents.leak_tracing.tracer import Tracer

OURS, GUILT, COUNTING = METHODS = ("ours", "guilt model", "counting")
DOZEN = 12
NEVER = 10**6
AT_A_TIME = 50


@dataclass
class Trial:
    """The result of one method on one company.

    After a dozen reports: whether a guilty source ranks ``first``, whether a guilty one is accused
    (``right``) or an innocent one (``wrong``). On the way: whether an innocent was ever accused,
    and after how many reports a guilty one was first accused (``needed``).
    """

    first: bool = False
    right: bool = False
    wrong: bool = False
    ever_wrong: bool = False
    needed: int = NEVER


@dataclass
class Result:
    """The results of one company.

    A trial by method; for ours, the predicted probability of the most likely source and whether it
    took part, after 4, 8 and 12 reports; and how many guilty ones lead after a dozen.
    """

    trials: dict[str, Trial]
    said: list[tuple[float, bool]] = field(default_factory=list)
    leading: int = 0


def run(name: str, count: int, processes: int, first: int = 0) -> list[Result]:
    """Run a scenario on ``count`` companies, from seed ``first`` on."""
    starts = range(first, first + count, AT_A_TIME)
    jobs = [(name, start, min(AT_A_TIME, first + count - start)) for start in starts]
    if processes == 1:
        return [result for job in jobs for result in _some(job)]
    with ProcessPoolExecutor(processes) as pool:
        return [result for some in pool.map(_some, jobs) for result in some]


def _some(job: tuple[str, int, int]) -> list[Result]:
    name, first, count = job
    return [_one(drawn(SCENARIOS[name], seed)) for seed in range(first, first + count)]


def _one(leak: Leak) -> Result:
    result = Result({method: Trial() for method in METHODS})
    for method, steps in zip(METHODS, (_ours(leak, result), *_rivals(leak)), strict=True):
        trial = result.trials[method]
        for number, (source, accused) in enumerate(steps, 1):
            guilty = source in leak.guilty
            if accused and guilty:
                trial.needed = min(trial.needed, number)
            trial.ever_wrong |= accused and not guilty
            if number == DOZEN:
                trial.first, trial.right = guilty, accused and guilty
                trial.wrong = accused and not guilty
    return result


def _ours(leak: Leak, result: Result) -> Iterator[tuple[str | None, bool]]:
    """Yield after each report which source ranks first of all, and whether it is said to lead."""
    tracer, seen = Tracer(leak.records, DAYS), {}
    for number, (call, viewers) in enumerate(leak.reports, 1):
        tracer.add_report(call, viewers)
        for source, sight in viewers.items():
            seen[source] = seen.get(source, 0) + (sight.day <= call.day)
        if number < MIN_CUSTOMERS_SEEN:  # too few reports for any source to lead
            yield None, False
            continue
        posterior = tracer.compute_posterior()
        source = max(posterior.alone, key=posterior.involvement_probability, default=None)
        involved = posterior.involvement_probability(source) if source else 0.0
        if number in (4, 8, DOZEN):
            result.said.append((involved, source in leak.guilty))
        if number == DOZEN:
            leads = [
                g
                for g in leak.guilty
                if posterior.involvement_probability(g) >= LEADING_THRESHOLD
                and seen[g] >= MIN_CUSTOMERS_SEEN
            ]
            result.leading = len(leads)
        if source and posterior.attributed_share(source) <= max(
            posterior.outside, posterior.everything
        ):
            yield None, False
        else:
            yield (
                source,
                bool(source)
                and involved >= LEADING_THRESHOLD
                and seen[source] >= MIN_CUSTOMERS_SEEN,
            )


def _rivals(leak: Leak) -> Iterator[list[tuple[str | None, bool]]]:
    for method in (Guilt(), Counting()):
        steps = []
        for report in leak.reports:
            method.add(report)
            steps.append(method.first())
        yield steps


def quantile(values: Sequence[int], share: float) -> int:
    """Return the smallest value that a share ``share`` of the values does not exceed."""
    return sorted(values)[min(len(values) - 1, max(0, -int(-share * len(values) // 1) - 1))]
