"""The posterior: what it must do whatever the data, and that it finds who it should."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incidents.leak_tracing.model_types import EVERYTHING, OUTSIDE, Call, FirstAccess
from incidents.leak_tracing.ranking import LEADING_THRESHOLD, rank_sources
from tests.incidents.leak_tracing.logs import DAY, calls_of, looks, traced, tracer, viewers

POPULATION = 2000
SEEN = looks(1)
ANY_CALL = st.builds(
    Call,
    st.one_of(st.none(), st.integers(0, 40).map(lambda n: f"c{n}")),
    st.floats(DAY - 10, DAY + 100),
    st.one_of(st.none(), st.frozensets(st.sampled_from(["name", "ticket", "address", "phone"]))),
    st.sampled_from([0.1, 1.0, 2.0, 4.0]),
)


def total(found) -> float:
    return sum(row.posterior for row in found.rows)


@settings(max_examples=60, deadline=None)
@given(st.lists(ANY_CALL, max_size=12))
def test_the_posteriors_sum_to_one(calls):
    found = rank_sources(traced(SEEN, POPULATION, calls))
    assert total(found) == pytest.approx(1)
    assert all(0 <= row.posterior <= row.involved <= 1 + 1e-9 for row in found.rows)
    assert {row.source for row in found.rows} == {OUTSIDE, EVERYTHING, *SEEN}


@settings(max_examples=40, deadline=None)
@given(st.lists(ANY_CALL, max_size=10), st.randoms(use_true_random=False))
def test_the_order_of_reports_does_not_matter(calls, chance):
    mixed = list(calls)
    chance.shuffle(mixed)
    one, other = (traced(SEEN, POPULATION, item).compute_posterior() for item in (calls, mixed))
    for source in SEEN:
        assert one.attributed_share(source) == pytest.approx(
            other.attributed_share(source), rel=1e-6
        )


@settings(max_examples=40, deadline=None)
@given(st.lists(ANY_CALL, max_size=8), st.integers(0, 50))
def test_one_more_customer_seen_never_speaks_against_an_insider(calls, which):
    """A customer that only the insider had seen, called after the look, and nothing else known."""
    customer = "only"
    seen = {**SEEN, "s3": {**SEEN["s3"], customer: DAY + 1.0}}
    before = traced(seen, POPULATION, calls)
    after = traced(seen, POPULATION, [*calls, Call(customer, DAY + 50.0 + which)])
    assert (
        after.compute_posterior().involvement_probability("s3")
        >= before.compute_posterior().involvement_probability("s3") - 1e-9
    )


@settings(max_examples=30, deadline=None)
@given(st.lists(ANY_CALL, max_size=8), st.permutations(sorted(SEEN)))
def test_names_do_not_matter(calls, names):
    renamed = dict(zip(names, SEEN.values(), strict=True))
    one = traced(SEEN, POPULATION, calls).compute_posterior()
    other = traced(renamed, POPULATION, calls).compute_posterior()
    for old, new in zip(SEEN, names, strict=True):
        assert one.attributed_share(old) == pytest.approx(other.attributed_share(new), rel=1e-6)


def test_without_reports_there_is_the_prior():
    found = rank_sources(tracer(SEEN, POPULATION))
    assert found.rows[0].source == OUTSIDE
    assert max(row.posterior for row in found.people) < 0.05
    assert found.leading is None and found.halved_by is None


def test_a_log_without_anybody_leaves_nobody():
    found = rank_sources(traced({}, POPULATION, [Call("c1", DAY + 3.0)]))
    assert {row.source for row in found.rows} == {OUTSIDE, EVERYTHING}
    assert total(found) == pytest.approx(1)


@pytest.mark.parametrize("seed", range(20))
def test_the_insider_leads_after_a_dozen_and_a_half(seed):
    calls = calls_of(seed, SEEN, "s7", 18, POPULATION)
    found = rank_sources(traced(SEEN, POPULATION, calls))
    assert found.rows[0].source == "s7"
    assert found.leading is None or found.leading.source == "s7"
    assert found.likeliest is not None and found.likeliest.involved > 0.9


@pytest.mark.parametrize("seed", range(30))
def test_nobody_leads_when_callers_ring_anybody(seed):
    chance = Random(1000 + seed)
    calls = [Call(f"c{chance.randrange(POPULATION)}", DAY + 70.0) for _ in range(12)]
    found = rank_sources(traced(SEEN, POPULATION, calls))
    assert found.leading is None
    assert all(row.involved < 0.9 for row in found.people)


def test_one_report_accuses_nobody():
    alone = {"s1": {"c1": DAY + 1.0}, "s2": {"c2": DAY + 1.0}}
    found = rank_sources(traced(alone, 12_000_000, [Call("c1", DAY + 9.0)]))
    assert found.leading is None
    assert max(row.posterior for row in found.people) < 0.6


def test_a_busy_honest_agent_is_no_decoy():
    """Somebody who has seen half of all customers has seen half of those who report, too."""
    chance = Random(5)
    busy = {f"c{c}": DAY + 60 * chance.random() for c in chance.sample(range(POPULATION), 1000)}
    seen = {**SEEN, "busy": busy}
    for seed in range(10):
        calls = calls_of(seed, seen, "s7", 18, POPULATION)
        found = rank_sources(traced(seen, POPULATION, calls))
        figures = {row.source: row for row in found.people}
        assert figures["busy"].seen >= 4  # counting alone would point here
        assert figures["busy"].involved < 0.3 < figures["s7"].involved


def test_who_only_looked_after_the_calls_is_not_suspected():
    """People who were called are looked up by those they complain to."""
    seen = {s: dict(days) for s, days in SEEN.items()}
    calls = [Call(f"c{n}", DAY + 70.0) for n in range(0, 24, 2)]
    seen["desk"] = {str(call.customer): call.day + 0.1 for call in calls}
    found = rank_sources(traced(seen, POPULATION, calls))
    row = next(row for row in found.people if row.source == "desk")
    assert row.seen == 0 and row.late == 12
    assert row.posterior < 0.1


def test_two_who_act_together_are_both_found():
    chance = Random(3)
    calls = [
        Call(customer, DAY + 70.0)
        for source in ("s2", "s5")
        for customer in chance.sample(sorted(SEEN[source]), 8)
    ]
    found = rank_sources(traced(SEEN, POPULATION, calls))
    assert {row.source for row in found.rows[:2]} == {"s2", "s5"}
    assert all(row.involved > LEADING_THRESHOLD for row in found.rows[:2])
    assert found.together[0][:2] == ("s2", "s5")


def test_the_same_customer_again_is_one_finding():
    calls = [Call("c1", DAY + 70.0 + n) for n in range(12)]
    seen = {**SEEN, "s3": {**SEEN["s3"], "c1": DAY + 1.0}}
    once = traced(seen, POPULATION, calls[:1]).compute_posterior()
    often = traced(seen, POPULATION, calls).compute_posterior()
    assert often.involvement_probability("s3") == pytest.approx(
        once.involvement_probability("s3"), rel=0.05
    )


def test_numbers_that_are_no_customers_speak_for_outside():
    calls = calls_of(2, SEEN, "s7", 6, POPULATION)
    strays = [Call(None, DAY + 70.0) for _ in range(12)]
    without = traced(SEEN, POPULATION, calls).compute_posterior()
    found = traced(SEEN, POPULATION, [*calls, *strays])
    assert found.strays == 12
    assert found.compute_posterior().outside > without.outside


def test_what_callers_knew_tells_a_copy_of_the_table_from_chance():
    chance = Random(8)
    chosen = [f"c{chance.randrange(POPULATION)}" for _ in range(12)]
    knowing = [Call(c, DAY + 70.0, frozenset({"name", "ticket", "product"})) for c in chosen]
    guessing = [Call(c, DAY + 70.0, frozenset()) for c in chosen]
    assert rank_sources(traced(SEEN, POPULATION, knowing)).rows[0].source == EVERYTHING
    assert rank_sources(traced(SEEN, POPULATION, guessing)).rows[0].source == OUTSIDE


def test_what_an_access_does_not_show_cannot_have_leaked_by_it():
    knew = frozenset({"name", "ticket", "product"})
    calls = [Call(c, DAY + 70.0, knew) for c in sorted(SEEN["s7"])[:5]]
    full, slim = tracer(SEEN, POPULATION), tracer(SEEN, POPULATION)
    for call in calls:
        sights = viewers(SEEN, str(call.customer))
        full.add_report(call, sights)
        slim.add_report(call, sights | {"s7": FirstAccess(sights["s7"].day, frozenset({"phone"}))})
    assert full.compute_posterior().involvement_probability(
        "s7"
    ) > slim.compute_posterior().involvement_probability("s7")


def test_a_leak_of_a_whole_team_accuses_none_of_it():
    """Callers who ring the customers of one region point at no one of the fifty who serve it."""
    seen = {**looks(4, staff=10, customers=400, each=100), **{
        f"t{n}": {f"d{c}": day for c, day in days.items()}
        for n, (_, days) in enumerate(looks(5, staff=10, customers=1600, each=100).items())
    }}  # fmt: skip
    teams = {"one": [s for s in seen if s.startswith("s")], "two": [s for s in seen if s[0] == "t"]}
    first = []
    for seed in range(20):
        chance = Random(1000 + seed)
        calls = [Call(f"c{chance.randrange(400)}", DAY + 70.0) for _ in range(12)]
        found = rank_sources(traced(seen, 2000, calls, teams=teams))
        assert found.leading is None
        first.append(found.rows[0].source)
    assert first.count(EVERYTHING) >= 16
