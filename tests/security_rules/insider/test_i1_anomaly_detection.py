"""I1: who takes more than their work needs is noticed, in the ways that insiders have, and honest
people on busy days are not. By the product's own counting and scoring, on a labelled simulation."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bench import anomaly_detection
from bench.anomaly_company import BEGIN, honest
from bench.anomaly_detection import STYLES, measure, table
from incidents.anomaly_detection import detector
from incidents.anomaly_detection import staff_profile as counting
from incidents.anomaly_detection.detector import Window
from incidents.anomaly_detection.distributions import (
    GammaPrior,
    fit_prior,
    log_probability,
    tail_probability,
)
from incidents.anomaly_detection.staff_profile import Indicator, StaffProfile

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
PEERS = {signal: GammaPrior(0.03, 5.0) for signal in Indicator}


def works(person: StaffProfile, day: int, calls: int, bare: int, *, hour: int = 9) -> list[str]:
    """A shift of so many calls, and what was found in it."""
    begin = BEGIN + day * DAY + timedelta(hours=hour)
    if person.starts_new_shift(begin):
        detector.close_shift(person, PEERS)
    for n in range(calls):
        at = begin + n * 10 * MINUTE
        counting.record_justified_access(person, f"{day}c{n}", at, at.hour, off=False)
    found = []
    for n in range(bare):
        at = begin + (n * 25 + 5) * MINUTE
        counting.record_unjustified_access(
            person, f"{day}b{n}", at, off=person.is_unusual_hour(at.hour)
        )
        found += [
            f"{anomaly.signal}:{anomaly.window}"
            for anomaly in detector.find_anomalies(person, PEERS)
        ]
    return found


def test_a_small_company_in_which_each_style_is_found_and_the_honest_are_not(capsys):
    """The full one is kept in bench/results-watch.md."""
    company = honest(7, 60, 90)
    assert company.shifts > 3000
    assert company.flagged <= 0.01 * company.shifts
    assert company.busy[1] <= 0.02 * company.busy[0]
    found = {name: measure(style, new, company, 12, 4_000) for name, (style, new) in STYLES.items()}
    caught = sum(len(value.alarms) for value in found.values())
    assert caught >= 0.95 * sum(value.runs for value in found.values())
    assert max(value.slowest for value in found.values()) <= 5 * MINUTE
    assert "Honest shifts" in table(company, found)


def test_nothing_is_found_in_a_company_without_an_insider_but_what_chance_gives():
    """The promise holds for insiders alone: someone who takes nothing is found about as seldom as
    the honest."""
    company = honest(8, 60, 90)
    idle = measure(lambda *_: [], False, company, 30, 9_000)
    assert idle.share <= 0.3


def test_three_times_the_calls_bring_three_times_the_slips_and_no_finding():
    person = StaffProfile()
    for day in range(30):
        assert works(person, day, 16, 1) == []
    assert works(person, 30, 48, 4) == []


def test_the_same_slips_without_the_work_are_found():
    person = StaffProfile()
    for day in range(30):
        works(person, day, 16, 1)
    assert "nothing_behind:shift" in works(person, 30, 2, 6)


def test_what_is_too_little_for_a_day_adds_up_over_weeks():
    person, found = StaffProfile(), []
    for day in range(20):
        found += works(person, day, 16, 0)
    for day in range(20, 50):
        found += works(person, day, 16, 2)
    assert found[0] == f"{Indicator.BARE}:{Window.WEEKS}"


def test_a_slow_ramp_does_not_make_it_usual():
    """However slowly somebody goes up, more than twice what peers do is never expected of them."""
    person = StaffProfile()
    for day in range(300):
        works(person, day, 20, day // 30)
    usual = detector._expected_rate(person, Indicator.BARE, PEERS[Indicator.BARE])
    assert usual.rate <= 2 * PEERS[Indicator.BARE].mean
    person = StaffProfile()
    found = [work for day in range(300) for work in works(person, day, 20, day // 30)]
    assert len(found) >= 3


def test_peers_who_take_much_do_not_make_it_usual_for_all():
    """One in twenty can do what they like: it moves nobody's measure."""
    usual = [(4.0, 100.0)] * 38
    assert fit_prior([*usual, (400.0, 100.0), (400.0, 100.0)], GammaPrior(0.06)) == fit_prior(
        usual, GammaPrior(0.06)
    )


def test_at_night_a_few_are_enough_but_not_for_who_covers_a_shift():
    person = StaffProfile()
    for day in range(40):
        works(person, day, 16, 1)
    assert any(work.startswith("off_hours") for work in works(person, 40, 0, 3, hour=22))
    other = StaffProfile()
    for day in range(40):
        works(other, day, 16, 1)
    assert works(other, 41, 16, 1, hour=22) == []


@pytest.mark.parametrize(("mean", "shape"), [(0.1, 1.0), (1.0, 2.0), (5.0, 0.5), (30.0, 20.0)])
def test_the_chances_are_those_of_the_negative_binomial(mean, shape):
    from math import exp

    chances = [exp(log_probability(k, mean, shape)) for k in range(2000)]
    assert sum(chances) == pytest.approx(1.0, abs=1e-6)
    assert sum(k * p for k, p in enumerate(chances)) == pytest.approx(mean, rel=1e-4)
    assert tail_probability(0, mean, shape) == pytest.approx(1.0)
    for seen in (1, 3, 10):
        assert tail_probability(seen, mean, shape) == pytest.approx(sum(chances[seen:]), rel=1e-6)
    assert 0 < tail_probability(400, 0.1, 20.0) < 1e-12


def test_the_command_prints_its_table(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["watch", "--people", "10", "--days", "80", "--runs", "2"])
    anomaly_detection.main()
    assert "5 extra a day" in capsys.readouterr().out
