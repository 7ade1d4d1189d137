"""All measurements on one database."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from bench import live_calls, measurement_rounds, request_mix, seed, servers, stores
from bench.measurement_rounds import Figures, Subject
from bench.options import Options
from bench.seed import Seeded
from storage.engine import make_engine
from storage.session import transaction
from vault.keys import keyring
from vault.keys import master_keys as master
from vault.keys.keyring import Keyring

LOAD = 0.7
FLOOR, OURS, GUNICORN, LARGE = "floor", "ours", "gunicorn", "large"


@dataclass(frozen=True)
class Result:
    """``full`` load by subject, and ``paced`` at seven tenths of what each can do."""

    version: str
    full: dict[str, Figures]
    paced: dict[str, Figures]
    rates: dict[str, float]
    counted_in: str


def measure(kind: str, options: Options, say: Callable[[str], None]) -> Result:
    """Measure on ``sqlite`` or ``postgresql``."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vouchline-bench-")))
        say(f"{kind}: filling the stores ({options.large:,} customers in the large one)")
        place = stack.enter_context(stores.of(kind, folder))
        seeded = seed.fill(place, options)
        counted_in = stack.enter_context(servers.redis()) if options.workers > 1 else ""
        subjects = _subjects(seeded, _ports(stack, folder, seeded, options, counted_in))
        context = get_context("spawn")
        loader = stack.enter_context(ProcessPoolExecutor(1, mp_context=context))
        say(f"{kind}: full load")
        measurement_rounds.warm_up(subjects, loader, options.lines)
        full = _full(subjects, loader, options)
        say(f"{kind}: 70 % load")
        rates = {
            name: full[name].typical * LOAD for name in (FLOOR, OURS, GUNICORN) if name in full
        }
        paced = _paced(subjects, loader, options, rates)
        return Result(place.version, full, paced, rates, (counted_in and "Redis") or "memory")


def _ports(
    stack: ExitStack, folder: Path, seeded: Seeded, options: Options, counted_in: str
) -> dict[str, int]:
    """Start the servers; return their ports by name."""
    ports = {FLOOR: stack.enter_context(servers.floor(folder, seeded.floor, options))}
    wanted = [(OURS, servers.ours, seeded.small)]
    if options.gunicorn:
        wanted.append((GUNICORN, servers.gunicorn, seeded.small))
    if seeded.large:
        wanted.append((LARGE, servers.ours, seeded.large))
    for name, serve, url in wanted:
        server = serve(name, folder, url, options, seeded.master_keys, counted_in)
        ports[name] = stack.enter_context(server)
    return ports


def _subjects(seeded: Seeded, ports: Mapping[str, int]) -> dict[str, Subject]:
    """Return what is measured: the headline mix on every server, and each kind of check on ours."""

    def asks(shares: dict[str, int]) -> Callable[[int, int], list[bytes]]:
        return partial(request_mix.requests, seeded.numbers, shares)

    small = _rewinder(seeded.small, seeded.master_keys)
    subjects = {
        FLOOR: Subject(ports[FLOOR], asks(request_mix.HEADLINE)),
        OURS: Subject(ports[OURS], asks(request_mix.HEADLINE), small),
    }
    for kind, shares in request_mix.KINDS.items():
        subjects[kind] = Subject(ports[OURS], asks(shares), small)
    if GUNICORN in ports:
        subjects[GUNICORN] = Subject(ports[GUNICORN], asks(request_mix.HEADLINE), small)
    if LARGE in ports:
        subjects[LARGE] = Subject(
            ports[LARGE], asks(request_mix.HEADLINE), _rewinder(seeded.large, seeded.master_keys)
        )
    return subjects


def _rewinder(url: str, master_keys: str) -> Callable[[], None]:
    engine = make_engine(url, wait_seconds=seed.PATIENCE_SECONDS)
    info = keyring.keyring_session_info(Keyring(master.parse_master_keys(master_keys), engine))

    def rewind() -> None:
        with transaction(engine, info=info) as session:
            live_calls.rewind(session)

    return rewind


def _full(
    subjects: Mapping[str, Subject], loader: Executor, options: Options
) -> dict[str, Figures]:
    figures = measurement_rounds.alternate(
        subjects, loader, rounds=options.rounds, seconds=options.seconds, lines=options.lines
    )
    for name, subject_figures in figures.items():
        _require_answers(name, subject_figures)
    return figures


def _paced(
    subjects: Mapping[str, Subject],
    loader: Executor,
    options: Options,
    rates: Mapping[str, float],
) -> dict[str, Figures]:
    figures = measurement_rounds.alternate(
        {name: subjects[name] for name in rates},
        loader,
        rounds=max(1, options.rounds - 2),
        seconds=options.seconds,
        lines=options.lines * 2,
        rates=rates,
    )
    for name, subject_figures in figures.items():
        _require_answers(name, subject_figures)
    return figures


def _require_answers(name: str, figures: Figures) -> None:
    """Raise ``RuntimeError`` if the answers differ from those the subject should give."""
    odd = set(figures.answers) - {"genuine", "not_confirmed"}
    genuine = figures.answers["genuine"] / max(1, figures.answers.total())
    meant = {FLOOR: 0.0, "nobody": 0.0, "wrong": 0.0, "genuine": 1.0}.get(name, 0.2)
    if odd or abs(genuine - meant) > 0.03:
        raise RuntimeError(f"{name}: unexpected answers {dict(figures.answers)}")
