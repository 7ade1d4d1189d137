"""Fills the databases of one run: a small one with calls in progress, and a large copy of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlmodel import Session, select

from bench import callback_history, floor, live_calls, request_mix
from bench.options import Options
from bench.request_mix import Numbers, number
from bench.stores import Stores
from people.models import Customer, Staff
from storage import migrate
from storage.engine import make_engine
from storage.session import transaction
from vault.keys import keyring, master_key_providers
from vault.keys import master_keys as master
from vault.keys.keyring import Keyring

PORTIONS = 20
PATIENCE_SECONDS = 3600  # a large store takes a while


@dataclass(frozen=True)
class Seeded:
    """Database URLs (``large`` is empty if left out), master keys, and the numbers to check."""

    floor: str
    small: str
    large: str
    master_keys: str
    numbers: Numbers


def fill(stores: Stores, options: Options) -> Seeded:
    """Create and fill the databases."""
    master_keys = master_key_providers.generate_key_entry("bench")
    small = stores.new("small")
    engine = make_engine(small, wait_seconds=PATIENCE_SECONDS)
    keys = master.parse_master_keys(master_keys)
    migrate.upgrade_store(engine)
    keyring.make_purpose_keys(engine, keys, datetime.now(UTC))
    with transaction(engine, info=keyring.keyring_session_info(Keyring(keys, engine))) as session:
        numbers = _calls(session, options)
    engine.dispose()
    stores.settle("small")
    large = _large(stores, options)
    beneath = stores.new("floor")
    floor.fill(beneath, [*(phone for phone, _ in numbers.live), *numbers.quiet])
    stores.settle("floor")
    return Seeded(beneath, small, large, master_keys, numbers)


def _calls(session: Session, options: Options) -> Numbers:
    """Create customers with and without a call in progress, among customers of past calls."""
    now = datetime.now(UTC)
    agents = [
        live_calls.agent(session, i, now)
        for i in range(-(-options.live // live_calls.CALLS_OF_AN_AGENT))
    ]
    wanted = options.live + request_mix.QUIET_CUSTOMERS
    people: list[Customer] = []
    for portion in range(PORTIONS):
        callback_history.add(session.connection(), agents[0], (options.small - wanted) // PORTIONS)
        until = wanted * (portion + 1) // PORTIONS
        people += [live_calls.customer(session, i, now) for i in range(len(people), until)]
    codes = list(live_calls.start(session, people[: options.live], agents, now))
    phones = [number(i) for i in range(wanted)]
    return Numbers(
        live=list(zip(phones, codes, strict=False)),
        quiet=phones[options.live :] + request_mix.strangers(),
    )


def _large(stores: Stores, options: Options) -> str:
    if not options.large:
        return ""
    url = stores.copy("small", "large")
    engine = make_engine(url, wait_seconds=PATIENCE_SECONDS)
    with transaction(engine) as session:
        connection = session.connection()
        agent = session.exec(select(Staff.id).limit(1)).one()
        callback_history.add(connection, agent, options.large - options.small)
    engine.dispose()
    stores.settle("large")
    return url
