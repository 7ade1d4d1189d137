"""The simulation of ``make bench-tracing``, seeded and small: it holds what the full one shows."""

from __future__ import annotations

import pytest

from bench.leak_tracing import pictures as tracing_pictures
from bench.leak_tracing import report
from bench.leak_tracing.simulated_leaks import SCENARIOS
from bench.leak_tracing.trials import METHODS, NEVER, OURS, quantile, run


@pytest.fixture(scope="module")
def results():
    return {name: run(name, 40, 1) for name in ("once", "slowly", "pair", "outside", "decoy")}


def of(results, name, method=OURS):
    return [result.trials[method] for result in results[name]]


@pytest.mark.parametrize("name", ["once", "slowly", "decoy"])
def test_the_insider_is_found_from_a_dozen_reports(results, name):
    trials = of(results, name)
    assert sum(trial.first for trial in trials) >= 39
    assert sum(trial.needed <= 12 for trial in trials) >= 39
    assert quantile([trial.needed for trial in trials], 0.5) <= 7


@pytest.mark.parametrize("name", ["once", "slowly", "pair", "outside", "decoy"])
def test_no_innocent_is_accused(results, name):
    assert not any(trial.wrong or trial.ever_wrong for trial in of(results, name))


def test_without_an_insider_nobody_is_accused(results):
    assert not any(trial.needed != NEVER for trial in of(results, "outside"))


def test_of_a_pair_one_is_found_nearly_always(results):
    assert sum(trial.first for trial in of(results, "pair")) >= 34


def test_it_beats_the_guilt_model(results):
    for name in ("once", "slowly", "pair", "decoy"):
        ours, guilt = (of(results, name, method) for method in (OURS, METHODS[1]))
        assert sum(t.right for t in ours) > 2 * sum(t.right for t in guilt)
        assert sum(t.first for t in ours) >= sum(t.first for t in guilt)


def test_a_region_rung_from_outside_accuses_nobody_where_counting_does():
    results = {"region": run("region", 30, 1)}
    assert not any(trial.wrong for trial in of(results, "region"))
    assert sum(trial.wrong for trial in of(results, "region", METHODS[2])) > 5


def test_what_is_said_with_a_probability_is_so_as_often(results):
    """On the whole: so few companies leave each bin to chance."""
    bins = report.reliability(results)
    assert sum(one_bin.weight * abs(one_bin.said - one_bin.so) for one_bin in bins) < 0.06
    assert bins[0].so < 0.05
    assert bins[-1].so > 0.95


def test_the_figures_and_pictures_can_be_made(results):
    told = report.text(results)
    assert SCENARIOS["once"].title in told
    assert "Brier" in told
    pictures = tracing_pictures.pictures(results)
    assert set(pictures) == {"tracing-needed.svg", "tracing-calibration.svg"}
    assert all(picture.startswith("<svg") and "<title>" in picture for picture in pictures.values())


def test_a_seed_draws_the_same_company_each_time():
    from bench.leak_tracing.simulated_leaks import drawn

    one, other = (drawn(SCENARIOS["once"], 3) for _ in range(2))
    assert (one.guilty, one.reports) == (other.guilty, other.reports)
