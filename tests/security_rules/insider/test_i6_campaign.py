"""I6: whatever somebody writes to whichever row or column of any table, at whatever point of a
journey: no *genuine* that the agent's own call to that number did not cause, nobody let in who is
not who they say, no customer shown to others.

``MUTATIONS`` and ``SEED`` make the campaign a long one."""

from __future__ import annotations

import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import SQLModel

from tests.channels.conftest import Console, make_console
from tests.security_rules.support.check_channels import SETTINGS
from tests.security_rules.support.i6_mutations import KINDS, Mutation, any_mutation, each_of
from tests.security_rules.support.i6_world import Broken, House, Journey, built, touched

MUTATIONS, SEED = int(os.environ.get("MUTATIONS", "500")), int(os.environ.get("SEED", "1"))
#: So many go into one journey, which costs the sum of all its acts.
TOGETHER = 15
#: What the journey by itself refuses: links of, and signing in by, somebody who is off; each code
#: and each recovery code a second time; a new code for a call that is confirmed.
REFUSED = 12
#: These hold keys that are wrapped, or say how the database is arranged: with one of them changed
#: nothing opens, and that is another test.
_APART = {"alembic_version"}


@pytest.fixture
def house(database: str, tmp_path: Path) -> Iterator[House]:
    made: Console = make_console(database, tmp_path, **SETTINGS)
    yield built(made)
    made.context.engine.dispose()


def go_through(house: House, *mutations: Mutation) -> tuple[list[str], Journey]:
    """One journey, rolled back at its end; how each of the mutations went."""
    engine = house.console.context.engine
    taken: dict[int, bool | None] = {}
    with engine.connect() as connection, connection.begin() as transaction:
        journey = Journey(house, connection)
        for place, act in enumerate(journey.acts()):
            for n, mutation in enumerate(mutations):
                done = mutation.before(place, connection)
                taken[n] = taken.get(n) if done is None else done
            journey.run(act)
        transaction.rollback()
    went = "refused something" if len(journey.refused) > REFUSED else "all went on"
    return [went if taken[n] else "not taken" for n in range(len(mutations))], journey


def acts_of(house: House) -> int:
    with house.console.context.engine.connect() as connection:
        return len(Journey(house, connection).acts())


def test_the_journey_by_itself_goes_well_and_does_what_it_says(house):
    _, journey = go_through(house)
    assert len(journey.refused) == REFUSED, journey.refused
    assert journey.confirmed and journey.readings >= 4 and journey.missed == 0


def _held(house: House, *mutations: Mutation) -> tuple[list[str], Journey]:
    try:
        return go_through(house, *mutations)
    except Broken as broken:
        raise AssertionError(f"{broken}: {[str(mutation) for mutation in mutations]}") from broken


def test_every_column_of_every_table_swapped_overwritten_and_restored(house):
    """Each of the tables that the journey touches; of each column one of the ways by chance, and
    all of them in the campaign below."""
    chance, acts = random.Random(SEED), acts_of(house)
    names = touched(house.console.context.engine, lambda: go_through(house))
    assert {"code", "callback", "customer", "staff", "number_proof", "staff_session"} <= names
    made = []
    for name in sorted(names):
        ways: dict[str, list[str]] = {}
        for column, kind in each_of(name):
            ways.setdefault(column, []).append(kind)
        for column, kinds in ways.items():
            at = chance.randrange(acts)
            early = chance.randrange(at + 1)
            made.append(Mutation(chance.choice(kinds), name, column, at, early, chance))
    chance.shuffle(made)
    for some in _portions(made, TOGETHER):
        _held(house, *some)


def _portions(made: list[Mutation], most: int) -> Iterator[list[Mutation]]:
    return (made[n : n + most] for n in range(0, len(made), most))


@pytest.mark.campaign
@pytest.mark.long
@pytest.mark.timeout(7200)
def test_every_column_in_every_way_at_every_act(house):
    """Of each table that the journey touches; at more acts with more ``MUTATIONS``."""
    chance, acts = random.Random(SEED), acts_of(house)
    names = touched(house.console.context.engine, lambda: go_through(house))
    made = []
    for name in sorted(names):
        for column, kind in each_of(name):
            for at in chance.sample(range(acts), 6 if MUTATIONS > 500 else 1):
                made.append(Mutation(kind, name, column, at, chance.randrange(at + 1), chance))
    chance.shuffle(made)
    for some in _portions(made, 1 if MUTATIONS > 500 else TOGETHER):
        _held(house, *some)


@pytest.mark.campaign
@pytest.mark.timeout(7200)
def test_no_mutation_of_any_table_makes_a_genuine_verdict_or_lets_anybody_in(house):
    tables = sorted(set(SQLModel.metadata.tables) - _APART)
    chance, acts = random.Random(SEED), acts_of(house)
    names = touched(house.console.context.engine, lambda: go_through(house))
    met, missed, began = Counter[tuple[str, str]](), 0, time.monotonic()
    tables += 3 * sorted(names)
    made = [any_mutation(chance, tables, acts) for _ in range(MUTATIONS)]
    looked_at = [item for item in made if item.table in names or item.kind == "trigger"]
    met.update((item.kind, "no act looks there") for item in made if item not in looked_at)
    for some in _portions(looked_at, TOGETHER):
        outcomes, journey = _held(house, *some)
        met.update((each.kind, went) for each, went in zip(some, outcomes, strict=True))
        missed += journey.missed
    _say(house, met, missed, time.monotonic() - began)


def _say(house: House, met: Counter[tuple[str, str]], missed: int, seconds: float) -> None:
    kind = house.console.context.engine.dialect.name
    parts = [
        f"{name}: " + ", ".join(f"{n} {how}" for (k, how), n in sorted(met.items()) if k == name)
        for name in KINDS
    ]
    sys.stderr.write(
        f"\nI6 on {kind}, seed {SEED}: {sum(met.values())} mutations in {seconds:.0f} s,"
        f" none made a verdict or let anybody in; {missed} readings lost their entry, and"
        " verification found each."
        f" {'; '.join(parts)}\n"
    )
