"""The figures of tracing, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bench.leak_tracing.simulated_leaks import ASKED, BROKEN, REPORTS, SCENARIOS
from bench.leak_tracing.trials import DOZEN, METHODS, NEVER, OURS, Result, quantile

Results = Mapping[str, Sequence[Result]]
#: The model's prior probability of each scenario, before any report.
PRIOR = {"once": 0.25, "slowly": 0.25, "pair": 0.05, "outside": 0.45}
#: The scenarios in the picture of the reports needed.
NEEDED_SHOWN = ("once", "slowly", "pair", "missing")
BINS = (0.0, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 1.0)

_HEAD = f"""# Leak tracing in figures

Measured by `make bench-tracing` (`bench/leak_tracing/__main__.py`) on simulated companies with 12
million customers and 1,000 staff in 20 regions. Who accessed which customer is drawn at random,
unevenly and with overlaps. One report in three is unrelated to the leak, and one date in five is
wrong, unless the scenario says otherwise. The figures are shares of companies after {DOZEN}
reports; the last three columns look at each of the first {REPORTS} reports.

- *first*: the insider ranks first, before `outside` and `everything` too.
- *insider accused*, *other accused*: the method says that this person leads. Ours says so at 95 %
  and four customers seen; the guilt model if one person alone is first, at 95 % guilt; counting if
  one person alone is first, with four customers.
- *other ever accused*: somebody innocent was accused at any report on the way.
- *needed*: reports until the insider is accused, the median and the 99th percentile.
"""


_NEEDED_PICTURE = """![Share of companies in which the insider leads, by the number of\
 reports](../pictures/tracing-needed.svg)
"""


def text(results: Results) -> str:
    """Return the report as Markdown."""
    parts = [_HEAD]
    for title, among in (("Required scenarios", ASKED), ("Broken assumptions", BROKEN)):
        names = [name for name in among if name in results]
        if names:
            parts.append(f"## {title}\n\n{_table(results, names)}\n")
    if set(NEEDED_SHOWN) & set(results):
        parts.append(_NEEDED_PICTURE)
    if set(PRIOR) <= set(results):
        parts.append(_calibration(results))
    return "\n".join(parts)


def _table(results: Results, names: Sequence[str]) -> str:
    lines = [
        "| scenario | companies | method | first | insider accused | other accused"
        " | other ever accused | needed, median | needed, 99 % |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name in names:
        for method in METHODS:
            lines.append(_line(name, method, results[name]))
    return "\n".join(lines)


def _line(name: str, method: str, results: Sequence[Result]) -> str:
    trials = [result.trials[method] for result in results]
    count = len(trials)
    needed = [trial.needed for trial in trials]
    guilty = bool(SCENARIOS[name].leaks)
    cells = [
        SCENARIOS[name].title if method == OURS else "",
        f"{count:,}" if method == OURS else "",
        f"**{method}**" if method == OURS else method,
        _share(sum(t.first for t in trials), count) if guilty else "",
        _share(sum(t.right for t in trials), count) if guilty else "",
        _share(sum(t.wrong for t in trials), count),
        _share(sum(t.ever_wrong for t in trials), count),
        _reports(quantile(needed, 0.5)) if guilty else "",
        _reports(quantile(needed, 0.99)) if guilty else "",
    ]
    return f"| {' | '.join(cells)} |"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f} %"


def _reports(count: int) -> str:
    return f"over {REPORTS}" if count == NEVER else str(count)


@dataclass(frozen=True)
class Bin:
    """Predictions within an interval of probability: mean prediction, observed rate, and count."""

    said: float
    so: float
    count: int
    weight: float


def reliability(results: Results) -> list[Bin]:
    """Return how often the most likely source was guilty, by predicted probability."""
    bins = []
    for low, high in pairwise(BINS):
        predicted = so = weight = 0.0
        count = 0
        for name, share in PRIOR.items():
            weight_per_prediction = share / sum(len(result.said) for result in results[name])
            for result in results[name]:
                for probability, guilty in result.said:
                    if low <= probability < high or (high == 1.0 == probability):
                        predicted, so = (
                            predicted + weight_per_prediction * probability,
                            so + weight_per_prediction * guilty,
                        )
                        weight, count = weight + weight_per_prediction, count + 1
        if count:
            bins.append(Bin(predicted / weight, so / weight, count, weight))
    return bins


def _calibration(results: Results) -> str:
    bins = reliability(results)
    error = sum(interval.weight * abs(interval.said - interval.so) for interval in bins)
    brier = sum(
        share
        * sum((p - guilty) ** 2 for result in results[name] for p, guilty in result.said)
        / sum(len(result.said) for result in results[name])
        for name, share in PRIOR.items()
    )
    mixed = ", ".join(f"{100 * share:.0f} % {name}" for name, share in PRIOR.items())
    rows = "\n".join(
        f"| {100 * interval.said:.1f} % | {100 * interval.so:.1f} % | {interval.count:,} |"
        for interval in bins
    )
    return f"""## Calibration

The predicted probability that the first member of staff takes part, after 4, 8 and {DOZEN} reports,
and how often they did (mixture: {mixed}).
Brier score {brier:.4f}, expected calibration error {error:.4f}.

| predicted | observed | predictions |
|---|---|---|
{rows}

![How often predictions came true, by predicted probability](../pictures/tracing-calibration.svg)
"""
