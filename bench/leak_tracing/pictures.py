"""Two pictures of the figures, as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.leak_tracing.report import NEEDED_SHOWN, PRIOR, reliability
from bench.leak_tracing.simulated_leaks import REPORTS, SCENARIOS
from bench.leak_tracing.trials import OURS, Result

Results = Mapping[str, Sequence[Result]]
WIDE, HIGH, LEFT, TOP = 360, 240, 48, 16
COLOURS = dict(zip(NEEDED_SHOWN, ("#174a7c", "#2c7a3f", "#a05a00", "#777777"), strict=True))


def pictures(results: Results) -> dict[str, str]:
    """Return pictures by file name, as far as the results contain their data."""
    by_name = {}
    names = [name for name in NEEDED_SHOWN if name in results]
    if names:
        by_name["tracing-needed.svg"] = _needed(results, names)
    if set(PRIOR) <= set(results):
        by_name["tracing-calibration.svg"] = _calibration(results)
    return by_name


def _needed(results: Results, names: Sequence[str]) -> str:
    parts = [_axes("reports", "the insider leads", [(n / REPORTS, str(n)) for n in (4, 8, 12, 16)])]
    for row, name in enumerate(names):
        count = len(results[name])
        points = []
        for n in range(REPORTS + 1):
            done = sum(result.trials[OURS].needed <= n for result in results[name])
            points.append((n / REPORTS, done / count))
        parts.append(_line(points, COLOURS[name]))
        y = TOP + HIGH - 14 * (len(names) - row) - 6
        parts.append(
            f'<text x="{LEFT + 130}" y="{y}" fill="{COLOURS[name]}">{SCENARIOS[name].title}</text>'
        )
    return _svg("Reports needed", "Share of companies in which the insider leads.", parts)


def _calibration(results: Results) -> str:
    parts = [_axes("predicted", "observed", [(n / 4, f"{25 * n} %") for n in range(5)])]
    parts.append(_line([(0, 0), (1, 1)], "#bbbbbb"))
    bins = reliability(results)
    parts.append(_line([(interval.said, interval.so) for interval in bins], "#174a7c"))
    for interval in bins:
        x, y = _at(interval.said, interval.so)
        parts.append(f'<circle cx="{x}" cy="{y}" r="4" fill="#174a7c"/>')
    return _svg("Calibration", "How often predictions came true, by predicted probability.", parts)


def _at(x: float, y: float) -> tuple[float, float]:
    return round(LEFT + WIDE * x, 1), round(TOP + HIGH * (1 - y), 1)


def _line(points: Sequence[tuple[float, float]], colour: str) -> str:
    path = " ".join(f"{x},{y}" for x, y in (_at(*point) for point in points))
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _axes(across: str, up: str, ticks: Sequence[tuple[float, str]]) -> str:
    parts = [
        f'<path d="M{LEFT} {TOP}v{HIGH}h{WIDE}" fill="none" stroke="#333"/>',
        f'<text x="{LEFT + WIDE / 2}" y="{TOP + HIGH + 34}" text-anchor="middle">{across}</text>',
        f'<text x="{LEFT + 8}" y="{TOP + 4}">{up}</text>',
    ]
    for share, label in ticks:
        x, _ = _at(share, 0)
        parts.append(f'<text x="{x}" y="{TOP + HIGH + 16}" text-anchor="middle">{label}</text>')
    for n in range(5):
        _, y = _at(0, n / 4)
        label = f"{25 * n} %"
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{label}</text>')
        parts.append(f'<path d="M{LEFT} {y}h{WIDE}" stroke="#ddd"/>')
    return "".join(parts)


def _svg(title: str, description: str, parts: Sequence[str]) -> str:
    box = f"0 0 {LEFT + WIDE + 24} {TOP + HIGH + 44}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}"'
        f' role="img" font-family="sans-serif" font-size="11"><title>{title}</title>'
        f'<desc>{description}</desc><rect width="100%" height="100%" fill="#fff"/>'
        f"{''.join(parts)}</svg>\n"
    )
