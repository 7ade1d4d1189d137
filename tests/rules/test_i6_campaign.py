"""I6: whatever somebody writes to whichever row or column of any table, at whatever point of a whole
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
from tests.rules.channels import SETTINGS
from tests.rules.i6_mutations import KINDS, Mutation, any_mutation, each_of
from tests.rules.i6_world import Broken, House, Journey, built, touched

MUTATIONS, SEED = int(os.environ.get("MUTATIONS", "500")), int(os.environ.get("SEED", "1"))
#: These hold keys that are wrapped, or say how the database is arranged: with one of them changed
#: nothing opens, and that is another test.
_APART = {"alembic_version"}


@pytest.fixture
def house(database: str, tmp_path: Path) -> Iterator[House]:
    made: Console = make_console(database, tmp_path, **SETTINGS)
    yield built(made)
    made.context.engine.dispose()


def go_through(house: House, mutation: Mutation | None) -> tuple[str, Journey]:
    """One journey, rolled back at its end; how the mutation went."""
    engine, taken = house.console.context.engine, None
    with engine.connect() as connection, connection.begin() as transaction:
        journey = Journey(house, connection)
        for place, act in enumerate(journey.acts()):
            if mutation is not None:
                done = mutation.before(place, connection)
                taken = done if done is not None else taken
            journey.run(act)
        transaction.rollback()
    if mutation is None or not taken:
        return "not taken", journey
    return ("refused something" if journey.refused else "all went on"), journey


def acts_of(house: House) -> int:
    with house.console.context.engine.connect() as connection:
        return len(Journey(house, connection).acts())


def test_the_journey_by_itself_goes_well_and_does_what_it_says(house):
    _, journey = go_through(house, None)
    assert journey.refused == 4 + 1  # whoever is off: two factors, twice each, and a link
    assert journey.confirmed and journey.readings >= 4 and journey.missed == 0


def _held(house: House, mutation: Mutation) -> tuple[str, Journey]:
    try:
        return go_through(house, mutation)
    except Broken as broken:
        raise AssertionError(f"{mutation}: {broken}") from broken


def test_every_column_of_every_table_swapped_overwritten_and_restored(house):
    """Each of the tables that the journey touches; of each column one of the ways by chance, and
    all of them in the campaign below."""
    chance, acts = random.Random(SEED), acts_of(house)
    names = touched(house.console.context.engine, lambda: go_through(house, None))
    assert {"code", "callback", "customer", "staff", "number_proof", "staff_session"} <= names
    for name in sorted(names):
        ways: dict[str, list[str]] = {}
        for column, kind in each_of(name):
            ways.setdefault(column, []).append(kind)
        for column, kinds in ways.items():
            at = chance.randrange(acts)
            one = Mutation(chance.choice(kinds), name, column, at, chance.randrange(at + 1), chance)
            _held(house, one)


@pytest.mark.campaign
@pytest.mark.timeout(7200)
def test_every_column_in_every_way_at_every_act(house):
    """Of each table that the journey touches; at more acts with more ``MUTATIONS``."""
    chance, acts = random.Random(SEED), acts_of(house)
    names = touched(house.console.context.engine, lambda: go_through(house, None))
    places = [place for place in range(acts) if MUTATIONS > 500 or place in (0, 2, 8, acts - 3)]
    for name in sorted(names & _DECIDE if MUTATIONS <= 500 else names):
        for column, kind in each_of(name):
            for at in places if MUTATIONS > 500 else [chance.choice(places)]:
                early = chance.randrange(at + 1)
                _held(house, Mutation(kind, name, column, at, early, chance))


_DECIDE = {"code", "callback", "customer", "number_proof", "staff", "staff_session", "data_key"}


@pytest.mark.campaign
@pytest.mark.timeout(7200)
def test_no_mutation_of_any_table_makes_a_genuine_verdict_or_lets_anybody_in(house):
    tables = sorted(set(SQLModel.metadata.tables) - _APART)
    chance, acts = random.Random(SEED), acts_of(house)
    names = touched(house.console.context.engine, lambda: go_through(house, None))
    met, missed, began = Counter[tuple[str, str]](), 0, time.monotonic()
    for _ in range(MUTATIONS):
        mutation = any_mutation(chance, tables, acts)
        if mutation.table not in names and mutation.kind != "trigger":
            met[mutation.kind, "no act looks there"] += 1
            continue
        outcome, journey = _held(house, mutation)
        met[mutation.kind, outcome] += 1
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
        f" none made a verdict or let anybody in; readings without an entry: {missed}."
        f" {'; '.join(parts)}\n"
    )
