"""``python -m bench.decoys``: can strangers detect by response times, under concurrency, that a
number is being called?

Bursts come in pairs, in random order: concurrent checks of numbers being called, and of numbers
that are not. The longest response of each is compared within its pair (Wilcoxon's signed-rank
test). Checks of numbers that share a queue row wait for each other, whether they are being called
or not; the third kind compares numbers that share one.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from bench import live_calls, stores
from bench.request_mix import number, strangers
from storage import migrate
from storage.engine import make_engine
from storage.session import core_transaction, transaction
from vault.keys import keyring, master_key_providers, master_keys
from vault.keys.keyring import Keyring
from verification.code_check import check_code, queue_index
from verification.verdicts import Channel

_T = TypeVar("_T")
TOLD_APART = 0.01
WRONG = "000000"
_POSSIBLE_LIVE = 64
_CUSTOMERS = 5_000


@dataclass(frozen=True)
class Kind:
    """Two bursts to compare: numbers being called, and numbers that are not."""

    name: str
    called: Callable[[random.Random], list[str]]
    quiet: Callable[[random.Random], list[str]]


def main() -> None:
    """Measure on the chosen databases; exit with 1 if a number being called is detected."""
    parser = argparse.ArgumentParser("python -m bench.decoys", description=__doc__)
    parser.add_argument("--bursts", type=int, default=10_000, help="pairs of each kind")
    parser.add_argument("--at-once", type=int, default=16, help="checks in a burst")
    parser.add_argument("--kinds", default="1,2,3", help="which of the three kinds")
    parser.add_argument("--databases", default="postgresql,sqlite")
    arguments = parser.parse_args()
    chosen = [int(kind) - 1 for kind in arguments.kinds.split(",")]
    detected = [
        _measured(database, arguments.bursts, arguments.at_once, chosen)
        for database in arguments.databases.split(",")
    ]
    sys.exit(any(detected))


def _measured(database: str, bursts: int, at_once: int, chosen: Sequence[int]) -> bool:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vouchline-decoys-")))
        place = stack.enter_context(stores.of(database, folder))
        engine = make_engine(place.new("decoys"), pool_size=at_once + 2)
        stack.callback(engine.dispose)
        keys = master_keys.parse_master_keys(master_key_providers.generate_key_entry("bench"))
        migrate.upgrade_store(engine)
        keyring.make_purpose_keys(engine, keys, datetime.now(UTC))
        info = keyring.keyring_session_info(Keyring(keys, engine))
        with transaction(engine, info=info) as session:
            now = datetime.now(UTC)
            ring = keyring.current_keyring(session)
            own = _sharing(ring, {number(i): i for i in range(_CUSTOMERS)})[:at_once]
            others = [i for i in range(_POSSIBLE_LIVE) if i not in own]
            holders = [
                live_calls.agent(session, i, now) for i in range(2 * _POSSIBLE_LIVE // 10 + 1)
            ]
            people = [live_calls.customer(session, i, now) for i in [*own, *others]]
            list(live_calls.start(session, people, holders, now))
            shared = _sharing(ring, {phone: phone for phone in strangers()})[: len(own)]
        called, called_shared = [number(i) for i in others], [number(i) for i in own]

        def one(phone: str) -> None:
            with core_transaction(engine, info) as work:
                check_code(work, phone, WRONG, Channel.WEB, datetime.now(UTC), organisation="Bench")

        kinds = [
            Kind(
                f"{at_once} checks of one number",
                lambda by: [by.choice(called)] * at_once,
                lambda by: [by.choice(strangers())] * at_once,
            ),
            Kind(
                f"{at_once} checks of different numbers",
                lambda by: by.sample(called, at_once),
                lambda by: by.sample(strangers(), at_once),
            ),
            Kind(
                f"{len(shared)} checks of numbers that share a queue row",
                lambda by: by.sample(called_shared, len(shared)),
                lambda by: by.sample(shared, len(shared)),
            ),
        ]
        print(f"{place.version}, {bursts:,} pairs of bursts of each kind", flush=True)
        detected = [_compare(kinds[i], bursts, one) for i in chosen]
        return any(detected)


def _sharing(ring: Keyring, numbers: Mapping[str, _T]) -> list[_T]:
    """Return the largest group of numbers that share a queue row, as the values of the mapping."""
    groups = defaultdict[bytes, list[_T]](list)
    for phone, known_by in numbers.items():
        groups[queue_index(ring.compute_search_forms("phone", phone)[0])].append(known_by)
    return max(groups.values(), key=len)


def _compare(kind: Kind, bursts: int, one: Callable[[str], None]) -> bool:
    by = random.Random(1)
    differences, called, quiet = [], [], []
    for _ in range(bursts):
        pair = [(True, kind.called(by)), (False, kind.quiet(by))]
        by.shuffle(pair)
        took = {is_called: _burst(phones, one) for is_called, phones in pair}
        called.append(took[True])
        quiet.append(took[False])
        differences.append(took[True] - took[False])
    p = signed_ranks(differences)
    middle = bursts // 2
    print(
        f"  {kind.name}: called {sorted(called)[middle] * 1e3:.2f} ms, quiet"
        f" {sorted(quiet)[middle] * 1e3:.2f} ms (medians of the longest), p = {p:.2g}"
        f"{', told apart' if p < TOLD_APART else ''}",
        flush=True,
    )
    return p < TOLD_APART


def _burst(phones: Sequence[str], one: Callable[[str], None]) -> float:
    """Return the seconds until the last of these concurrent checks is answered."""
    gate = threading.Barrier(len(phones) + 1)

    def run(phone: str) -> None:
        gate.wait()
        with suppress(SQLAlchemyError):  # a lock timeout, which counts as a long wait
            one(phone)

    threads = [threading.Thread(target=run, args=(phone,)) for phone in phones]
    for thread in threads:
        thread.start()
    gate.wait()
    since = time.perf_counter()
    for thread in threads:
        thread.join()
    return time.perf_counter() - since


def signed_ranks(differences: Sequence[float]) -> float:
    """Return the p-value of Wilcoxon's two-sided signed-rank test.

    It uses the normal approximation, for twenty pairs or more.
    """
    ordered = sorted((difference for difference in differences if difference), key=abs)
    n = len(ordered)
    if n < 2:
        return 1.0
    above = sum(rank for rank, value in enumerate(ordered, 1) if value > 0)
    z = (above - n * (n + 1) / 4) / math.sqrt(n * (n + 1) * (2 * n + 1) / 24)
    return math.erfc(abs(z) / math.sqrt(2))


if __name__ == "__main__":
    main()
