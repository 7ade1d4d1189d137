"""Teams that nobody has named, found by the customers they see."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest

from incidents.leak_tracing.csv_trace import trace_csv_files
from incidents.leak_tracing.ranking import rank_sources
from incidents.leak_tracing.team_clustering import CustomerSample, cluster_sources

REGIONS, EACH, CUSTOMERS, LOOKS = 5, 12, 4000, 300
NOW = datetime(2026, 4, 1, tzinfo=UTC)
POPULATION = REGIONS * CUSTOMERS


def seen(seed: int) -> dict[str, list[str]]:
    """Customers seen by each of the staff of five regions, who look elsewhere now and then."""
    chance, found = Random(seed), {}
    for n in range(REGIONS * EACH):
        own = n % REGIONS * CUSTOMERS
        home = (own + chance.randrange(CUSTOMERS) for _ in range(LOOKS))
        away = (chance.randrange(POPULATION) for _ in range(LOOKS // 20))
        found[f"s{n}"] = [f"c{c}" for c in (*home, *away)]
    return found


@pytest.fixture
def ranked(tmp_path):
    def run(looks, called):
        lines = [f"{s},{c},2026-01-10T09:00:00Z" for s, those in looks.items() for c in those]
        (tmp_path / "a.csv").write_text("\n".join(["staff,customer,at", *lines]))
        calls = [f"{c},2026-03-01T09:00:00Z" for c in called]
        (tmp_path / "r.csv").write_text("\n".join(["customer,at", *calls]))
        return rank_sources(
            trace_csv_files(tmp_path / "a.csv", tmp_path / "r.csv", POPULATION, NOW)
        )

    return run


def test_each_region_is_a_group():
    by_customer: dict[str, set[str]] = {}
    for source, those in seen(1).items():
        for customer in those:
            by_customer.setdefault(customer, set()).add(source)
    found = cluster_sources(by_customer.values(), POPULATION)
    expected = [frozenset(f"s{n}" for n in range(r, REGIONS * EACH, REGIONS)) for r in range(5)]
    assert sorted(found, key=sorted) == sorted(expected, key=sorted)


def test_who_sees_customers_at_random_is_like_nobody():
    chance = Random(2)
    customers = [{f"s{s}" for s in range(20) if chance.random() < 0.2} for _ in range(2000)]
    assert cluster_sources(customers, 2000) == []


@pytest.mark.parametrize("seed", range(12))
def test_callers_who_ring_one_region_accuse_nobody_there(ranked, seed):
    chance = Random(100 + seed)
    found = ranked(seen(seed), [f"c{chance.randrange(CUSTOMERS)}" for _ in range(12)])
    assert found.leading is None
    assert all(row.involved < 0.9 for row in found.people)


@pytest.mark.parametrize("seed", range(6))
def test_the_insider_of_a_region_is_found(ranked, seed):
    looks, chance = seen(seed), Random(200 + seed)
    called = chance.sample(looks["s7"], 10) + [f"c{chance.randrange(POPULATION)}" for _ in "four"]
    found = ranked(looks, called)
    assert found.rows[0].source == "s7"
    assert found.leading is not None


def test_a_sample_stays_bounded_and_fair():
    sample = CustomerSample(most=100)
    for digest in range(10_000):
        sample.add_viewer(digest, "a")
        sample.add_viewer(digest, "b")
    kept, among = sample.get_viewer_sets(10_000)
    assert 50 <= len(kept) <= 100
    assert all(item == {"a", "b"} for item in kept)
    assert among == pytest.approx(len(kept), rel=0.05)


def test_many_who_have_seen_everybody_do_not_take_for_ever():
    everybody = {f"s{n}" for n in range(800)}
    assert cluster_sources((everybody for _ in range(2000)), 2000) == []
